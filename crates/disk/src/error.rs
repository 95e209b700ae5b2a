//! Errors of the file system as what the engine's policy and the user need: a kind, and a sentence that names the file
//! (rows 19 and 20 of bad paths, full disks, dying media).
use crate::fs::Obstacle;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// `doing` completes the sentence "cannot … PATH", as in "write to". What helps stands at its end.
pub(crate) fn explain(error: &io::Error, doing: &str, path: &Path) -> DiskError {
    let path = path.display();
    if let Some(obstacle) = Obstacle::of(error) {
        let message = format!("cannot {doing} {path}: {obstacle}; move it away or choose another folder");
        return DiskError { kind: DiskErrorKind::BadPath, message };
    }
    let (kind, why) = cause(error);
    DiskError { kind, message: format!("cannot {doing} {path}: {why}") }
}

/// What went wrong, and what a person can do about it.
fn cause(error: &io::Error) -> (DiskErrorKind, String) {
    use DiskErrorKind::{BadPath, Changed, Denied, Io, NoSpace};
    let (kind, why) = match (error.kind(), Errno::from_io_error(error)) {
        (_, Some(Errno::DQUOT)) => (NoSpace, "the quota is used up; make room or have it raised"),
        (_, Some(Errno::FBIG)) => {
            (NoSpace, "no file as large as that is allowed; choose another folder, or raise `ulimit -f`")
        }
        (_, Some(Errno::ROFS)) => (Denied, "the file system is read-only; make it writable or choose another folder"),
        (_, Some(Errno::PERM)) => (
            Denied,
            "not permitted, whatever the rights of the file say; choose another folder, or see what guards it (chattr, a mount, a policy)",
        ),
        (_, Some(Errno::MFILE)) => (Io, "too many open files; raise the limit (`ulimit -n`)"),
        (_, Some(Errno::NFILE)) => (Io, "too many open files in the whole system; close some, or raise fs.file-max"),
        (_, Some(Errno::STALE)) => {
            (Io, "the server has lost sight of it (Stale file handle); mount its file system again")
        }
        (_, Some(Errno::NAMETOOLONG)) => (BadPath, "the name is too long there; choose another folder"),
        (_, Some(Errno::IO)) => (Io, "Input/output error; check the medium and its cable or connection"),
        (io::ErrorKind::StorageFull, _) => (NoSpace, "the disk is full; make room"),
        (io::ErrorKind::PermissionDenied, _) => {
            (Denied, "permission denied; give yourself the right (chmod, chown) or choose another folder")
        }
        (io::ErrorKind::NotFound, _) => (Changed, "it is missing, or a folder above it; put it back"),
        (io::ErrorKind::UnexpectedEof, _) => (Changed, "it is shorter than it was"),
        _ => return (Io, error.to_string()),
    };
    (kind, why.to_owned())
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
        assert_eq!(full.message, "cannot write to /data/a: the disk is full; make room");
        let pipe = explain(&Obstacle::error("a named pipe"), "open", Path::new("x"));
        assert_eq!(pipe.kind, DiskErrorKind::BadPath);
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(3_328_600_000), "3.1 GiB");
    }
}
