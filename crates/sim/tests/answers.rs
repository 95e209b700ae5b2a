//! What `teem-sim` says to a reader that goes away: nothing beyond what was read, and no complaint.
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_went_away_is_no_error() {
    for arguments in
        [&["--list"][..], &["--help"], &["--version"], &["pair"], &["pair", "--json"], &["utp-beside-cubic-shallow"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_teem-sim"));
        let ended = command.args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.is_empty(), "{arguments:?}: {} {said}", ended.status);
    }
}
