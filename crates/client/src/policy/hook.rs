//! A command that is run when a download is finished: split by quoting rules and run without a shell, facts in its environment (own design).
//!
//! Nothing from a torrent reaches the command's arguments, so a name from outside can neither be taken for an option nor be run.
use super::Finished;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

/// A command that was understood: a program and its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hook(Vec<String>);

/// Why a command cannot be understood, or was not carried out.
#[derive(Debug)]
#[non_exhaustive]
pub enum HookError {
    /// There is no program in it.
    Empty,
    /// A quote is not closed.
    Quote,
    /// This program cannot be run: why.
    Run(String, io::Error),
    /// This program ended, and says by its status that it failed.
    Failed(String, ExitStatus),
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the command is empty: give a program and its arguments"),
            Self::Quote => f.write_str("the command has a quote that is not closed"),
            Self::Run(program, e) => write!(f, "{program} cannot be run: {e}"),
            Self::Failed(program, status) => write!(f, "{program} ended with {status}"),
        }
    }
}

impl std::error::Error for HookError {}

impl Hook {
    /// The variables in the environment of a program that is run.
    const VARIABLES: [&str; 4] = ["TEEM_NAME", "TEEM_PATH", "TEEM_INFOHASH", "TEEM_SIZE"];

    /// Splits a command as a shell would: words are parted by spaces, quotes keep them together. Nothing else that a shell does is done.
    pub fn parse(command: &str) -> Result<Self, HookError> {
        match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(Self(words)),
            Some(_) => Err(HookError::Empty),
            None => Err(HookError::Quote),
        }
    }

    /// Runs it to its end, with the [facts](Self::facts) in its environment; what it prints goes to standard error.
    pub async fn run(&self, finished: &Finished) -> Result<(), HookError> {
        let (hook, facts) = (self.clone(), Self::facts(finished));
        let ended = tokio::task::spawn_blocking(move || hook.run_with(facts)).await;
        ended.unwrap_or_else(|e| Err(HookError::Run(self.0.first().cloned().unwrap_or_default(), io::Error::other(e))))
    }

    /// What is told of a download: `TEEM_NAME`, `TEEM_PATH`, `TEEM_INFOHASH` and `TEEM_SIZE`, in this order.
    pub fn facts(finished: &Finished) -> [OsString; 4] {
        [
            finished.name.replace('\0', "").into(),
            finished.path.clone().into(),
            finished.info_hash.to_string().into(),
            finished.size.to_string().into(),
        ]
    }

    /// The same as [`Self::run`] with facts from elsewhere, for programs that have their hooks run by another process. Blocks.
    pub fn run_with(&self, facts: [OsString; 4]) -> Result<(), HookError> {
        let (program, arguments) = self.0.split_first().ok_or(HookError::Empty)?;
        let mut command = Command::new(program);
        command.args(arguments).envs(Self::VARIABLES.into_iter().zip(facts)).stdin(Stdio::null()).stdout(io::stderr());
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(HookError::Failed(program.clone(), status)),
            Err(e) => Err(HookError::Run(program.clone(), e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::InfoHash;

    fn finished(name: &str) -> Finished {
        Finished {
            name: name.to_owned(),
            path: "/x".into(),
            info_hash: InfoHash([0; 20]),
            size: 1,
            downloaded: 1,
            uploaded: 0,
            wasted: 0,
        }
    }

    #[tokio::test]
    async fn row_66_names_reach_the_hook_as_environment_only() {
        let out = std::env::temp_dir().join(format!("teem-hook-{}", std::process::id()));
        let hook = Hook::parse(&format!("sh -c 'printf %s \"$TEEM_NAME|$#\" > {}' x", out.display())).unwrap();
        let name = "$(touch /tmp/owned);rm -rf ~ -o";
        hook.run(&finished(name)).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), format!("{name}|0"));
        std::fs::remove_file(out).unwrap();
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_command_is_said() {
        assert!(matches!(Hook::parse(""), Err(HookError::Empty)));
        assert!(matches!(Hook::parse("echo 'x"), Err(HookError::Quote)));
        let failed = Hook::parse("false").unwrap().run(&finished("n")).await;
        assert!(matches!(&failed, Err(HookError::Failed(program, _)) if program == "false"), "{failed:?}");
        let missing = Hook::parse("/nonexistent/program").unwrap().run(&finished("n")).await;
        assert!(
            matches!(&missing, Err(HookError::Run(program, _)) if program == "/nonexistent/program"),
            "{missing:?}"
        );
    }
}
