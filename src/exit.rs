//! How the program ends.
use std::process::ExitCode;
use teem_client::source::LinkError;

/// The exit codes of every subcommand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Done, or whole.
    Done = 0,
    /// No (damaged, not whole), or refused (a bad file, a bad link).
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Local files, space or addresses.
    Local = 3,
    /// Gave up after `--timeout`.
    GaveUp = 4,
    /// Ctrl-C was pressed (SIGINT).
    Interrupted = 130,
    /// Somebody asked it to end (SIGTERM).
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a subcommand ends early: the code for the script, a class for `--json`, the sentence for the person.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) class: &'static str,
    pub(crate) message: String,
}

impl Stop {
    /// A bad file, link or answer.
    pub(crate) fn refused(class: &'static str, message: impl ToString) -> Self {
        Self { exit: Exit::No, class, message: message.to_string() }
    }

    /// A link that leads nowhere: local trouble where it is a file that cannot be read.
    pub(crate) fn link(e: &LinkError) -> Self {
        let exit = if matches!(e, LinkError::File(..)) { Exit::Local } else { Exit::No };
        Self { exit, class: e.class(), message: e.to_string() }
    }

    /// A wrong command line.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, class: "usage", message: message.to_string() }
    }

    /// Local trouble: files, space, ports.
    pub(crate) fn local(message: impl ToString) -> Self {
        Self { exit: Exit::Local, class: "local", message: message.to_string() }
    }
}

/// What every subcommand returns.
pub(crate) type Outcome = Result<Exit, Stop>;
