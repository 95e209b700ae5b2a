//! Errors of the file system as what the engine's policy and the user need: a kind, and a sentence that names the file
//! (rows 19 and 20 of bad paths, full disks, dying media).
use crate::fs::Obstacle;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// `doing` completes the sentence "cannot … PATH", as in "write to".
pub(crate) fn explain(error: &io::Error, doing: &str, path: &Path) -> DiskError {
    let path = path.display();
    if let Some(obstacle) = Obstacle::of(error) {
        let message = format!("cannot {doing} {path}: {obstacle}; move it away or choose another folder");
        return DiskError { kind: DiskErrorKind::BadPath, message };
    }
    let (kind, why) = match (error.kind(), Errno::from_io_error(error)) {
        (_, Some(Errno::DQUOT)) => (DiskErrorKind::NoSpace, "the quota is used up".to_owned()),
        (_, Some(Errno::FBIG)) => (DiskErrorKind::NoSpace, "the file system takes no file as large as that".to_owned()),
        (_, Some(Errno::ROFS)) => (DiskErrorKind::Denied, "the file system is read-only".to_owned()),
        (io::ErrorKind::StorageFull, _) => (DiskErrorKind::NoSpace, "the disk is full".to_owned()),
        (io::ErrorKind::PermissionDenied, _) => (DiskErrorKind::Denied, "permission denied".to_owned()),
        (io::ErrorKind::NotFound, _) => (DiskErrorKind::Changed, "it is missing".to_owned()),
        (io::ErrorKind::UnexpectedEof, _) => (DiskErrorKind::Changed, "it is shorter than it was".to_owned()),
        _ => (DiskErrorKind::Io, error.to_string()),
    };
    DiskError { kind, message: format!("cannot {doing} {path}: {why}") }
}

/// Whether the process has run out of file handles, so that closing some may help.
pub(crate) fn too_many_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// "3.1 GiB": bytes as people read them.
pub(crate) fn bytes(n: u64) -> String {
    let mut unit = "B";
    let mut tenths = n.saturating_mul(10);
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10 * 1024 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    if unit == "B" { format!("{n} B") } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_where() {
        let full = explain(&Errno::NOSPC.into(), "write to", Path::new("/data/a"));
        assert_eq!(full.kind, DiskErrorKind::NoSpace);
        assert_eq!(full.message, "cannot write to /data/a: the disk is full");
        let pipe = explain(&Obstacle::error("a named pipe"), "open", Path::new("x"));
        assert_eq!(pipe.kind, DiskErrorKind::BadPath);
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(3_328_600_000), "3.1 GiB");
    }
}
