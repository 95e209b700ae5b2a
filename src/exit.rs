//! How the program ends.
use crate::foreign::plain;
use std::process::ExitCode;
use teem_client::source::LinkError;
use teem_client::{AddError, ChooseError, Ended};

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
    /// A fault of this program: it says on standard error what to report. The number is `EX_SOFTWARE` of sysexits.h.
    Fault = 70,
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

    /// A torrent that cannot go on: local trouble when it is the disk that refuses, else a refusal.
    pub(crate) fn ended(ended: Ended) -> Self {
        match ended {
            Ended::Failed(message, Some(disk)) => Self { exit: Exit::Local, class: disk.kind.word(), message },
            Ended::Fault(message) => Self::fault(plain(&message)),
            Ended::Failed(message, None) => Self::refused("torrent", message),
            other => Self::refused("removed", other),
        }
    }

    /// A torrent that the client does not take.
    pub(crate) fn not_added(e: &AddError) -> Self {
        match e {
            AddError::SamePlace(_) => Self { exit: Exit::Local, class: "occupied", message: e.to_string() },
            AddError::OnlyV2 => Self::refused("only_v2", e),
            AddError::Choice(why) => Self::refused("no_such_file", why),
            AddError::Peer(why) => Self::usage(format!("--peer: {why}")),
            _ => Self::refused("add", e),
        }
    }

    /// A choice of files that is not followed.
    pub(crate) fn not_chosen(e: ChooseError) -> Self {
        match e {
            ChooseError::Ended(ended) => Self::ended(ended),
            other => Self::refused("no_such_file", other),
        }
    }

    /// A wrong command line.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self { exit: Exit::Usage, class: "usage", message: message.to_string() }
    }

    /// A fault of this program.
    pub(crate) fn fault(message: impl ToString) -> Self {
        Self { exit: Exit::Fault, class: "fault", message: message.to_string() }
    }

    /// Local trouble: files, space, ports.
    pub(crate) fn local(message: impl ToString) -> Self {
        Self { exit: Exit::Local, class: "local", message: message.to_string() }
    }
}

/// What every subcommand returns.
pub(crate) type Outcome = Result<Exit, Stop>;
