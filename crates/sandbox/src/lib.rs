//! What this process may still do from now on (own design; Landlock and seccomp of Linux).
//!
//! Somebody who takes over a process by its input has what the process may do. A torrent program writes below a few folders and speaks over
//! sockets; so before it reads anything that others wrote, [`enter`] has the kernel refuse the rest: writing elsewhere ([`Ground`]), other programs,
//! looking into other processes, and the parts of the kernel that it has no use for. There is no way back, for threads and children
//! neither.
//!
//! Reading stays allowed everywhere: name resolution, certificates and content that links lead to lie anywhere.
//!
//! Invariants: `enter` is called while the process has one thread, because Landlock binds the thread that asks and those that it makes later.
//! What the kernel does not have is left out and said, and never a failure.
#![forbid(unsafe_code)]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod calls;
#[cfg(target_os = "linux")]
mod files;
mod ground;

pub use ground::Ground;

/// What the kernel holds from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Inside {
    /// The level of Landlock (its ABI) that keeps files, or why nothing does.
    pub files: Result<u32, String>,
    /// Whether calls are refused, or why none is.
    pub calls: Result<(), String>,
    /// Whether no program can gain rights by being run.
    pub no_new_privs: bool,
}

/// Goes inside, as far as the kernel lets it. Call it before there is a second thread.
#[cfg(target_os = "linux")]
pub fn enter(ground: &Ground) -> Inside {
    let kept = files::keep(ground);
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let calls = calls::refuse(ground);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
    let calls = Err(format!("calls are not filtered on {}", std::env::consts::ARCH));
    // Both ask for it first.
    let no_new_privs = kept.no_new_privs || calls.is_ok();
    Inside { files: kept.level, calls, no_new_privs }
}

/// There is nothing to go into.
#[cfg(not(target_os = "linux"))]
pub fn enter(_: &Ground) -> Inside {
    let none = || "only Linux has it".to_owned();
    Inside { files: Err(none()), calls: Err(none()), no_new_privs: false }
}

/// Whether somebody else's filter of system calls is on already. Such a filter may kill what asks for one more, so it should be a child
/// that tries first.
pub fn is_filtered() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() != "0")
}
