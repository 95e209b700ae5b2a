//! `--on-done`: a command split by quoting rules and run without a shell, facts in its environment.
use crate::exit::Stop;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Hook(Vec<String>);

/// What the command is told, by environment variables: nothing from a torrent reaches its arguments.
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: &'a Path,
    pub(crate) info_hash: String,
    pub(crate) size: u64,
}

impl Hook {
    /// Splits the command; quotes must be closed and a program must be there.
    pub(crate) fn parse(command: &str) -> Result<Self, Stop> {
        match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(Self(words)),
            Some(_) => Err(Stop::usage("--on-done is empty: give a program and its arguments")),
            None => Err(Stop::usage("--on-done has a quote that is not closed")),
        }
    }

    /// Runs it to its end; what it prints goes to standard error. Says what went wrong.
    pub(crate) fn run(&self, facts: &Facts<'_>) -> Result<(), String> {
        let mut command = Command::new(&self.0[0]);
        command
            .args(&self.0[1..])
            .env("TEEM_NAME", facts.name.replace('\0', ""))
            .env("TEEM_PATH", facts.path)
            .env("TEEM_INFOHASH", &facts.info_hash)
            .env("TEEM_SIZE", facts.size.to_string())
            .stdin(Stdio::null())
            .stdout(std::io::stderr());
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("--on-done: {} ended with {status}", self.0[0])),
            Err(e) => Err(format!("--on-done: {} cannot be run: {e}", self.0[0])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_66_names_reach_the_hook_as_environment_only() {
        let out = std::env::temp_dir().join(format!("teem-hook-{}", std::process::id()));
        let hook = Hook::parse(&format!("sh -c 'printf %s \"$TEEM_NAME|$#\" > {}' x", out.display())).unwrap();
        let name = "$(touch /tmp/owned);rm -rf ~ -o";
        hook.run(&Facts { name, path: Path::new("/x"), info_hash: "00".into(), size: 1 }).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), format!("{name}|0"));
        std::fs::remove_file(out).unwrap();
    }

    #[test]
    fn bad_commands_are_usage_errors() {
        assert!(Hook::parse("").is_err());
        assert!(Hook::parse("echo 'x").is_err());
        let facts = Facts { name: "n", path: Path::new("/x"), info_hash: "00".into(), size: 1 };
        assert!(Hook::parse("false").unwrap().run(&facts).is_err());
        assert!(Hook::parse("/nonexistent/program").unwrap().run(&facts).is_err());
    }
}
