//! System calls that nothing here uses are refused by seccomp (seccomp(2)), with EPERM and over all threads: running programs, looking
//! into other processes, and what of the kernel is mostly of use to those who attack it.
//!
//! A list of what is refused, and not of what is allowed: which calls a C library makes differs from system to system and year to year,
//! and a program that dies on one machine in a hundred is one whose sandbox is turned off.
use crate::ground::Ground;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// Rules by the number of their call; a call without a rule of its own is refused whatever it asks.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Other programs, other processes.
const PROCESSES: [c_long; 8] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
];

/// Parts of the kernel with a long history of holes: programs in it, tracing, faults in user space, keys, a second way to make every call.
const SURFACE: [c_long; 13] = [
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    libc::SYS_fanotify_init,
    libc::SYS_vhangup,
    libc::SYS_lookup_dcookie,
];

/// The view of files that this and other processes have.
const MOUNTS: [c_long; 16] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    QUOTACTL_FD,
];

/// The machine itself, where the process is run by root.
const MACHINE: [c_long; 16] = [
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_nfsservctl,
];

/// Another user, other rights.
const IDENTITY: [c_long; 10] = [
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_capset,
];

/// What can be done to files by their path and Landlock knows nothing of.
const PATHS: [c_long; 11] = [
    libc::SYS_truncate,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// The same for an open file, which one may have only opened to read.
const MODES: [c_long; 2] = [libc::SYS_fchmod, libc::SYS_fchown];

/// Calls that only this processor has.
#[cfg(target_arch = "x86_64")]
const NATIVE: [c_long; 12] = [
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const NATIVE: [c_long; 0] = [];

/// The numbers that not every C library names; above 423 they are the same on all processors.
const QUOTACTL_FD: c_long = 443;
const FCHMODAT2: c_long = 452;

/// Calls of x86-64 with short pointers have this bit, and come to the same entry.
#[cfg(target_arch = "x86_64")]
const X32_BIT: c_long = 0x4000_0000;
/// Those of the refused ones that have another number there: `execve`, `ptrace`, `process_vm_readv` and `_writev`, `kexec_load`, `execveat`,
/// `ioctl`; and `clone3`.
#[cfg(target_arch = "x86_64")]
const X32_OWN: [c_long; 8] = [520, 521, 539, 540, 528, 545, 514, libc::SYS_clone3];

/// Families of sockets that are needed: those on this machine (name resolution), both of the Internet, and the kernel's own (its addresses).
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Namespaces of its own give a process rights over the kernel that it has not outside.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Controls of terminals that type for the user (ioctl_tty(2)): `TIOCSTI`, and `TIOCLINUX` of the console.
const TYPING: [u64; 2] = [0x5412, 0x541C];

/// Has the kernel refuse them.
pub(crate) fn refuse(ground: &Ground) -> Result<(), String> {
    let filters = filters(ground.modes).map_err(|e| e.to_string())?;
    filters
        .iter()
        .try_for_each(|filter| apply_filter_all_threads(filter).map_err(|e| format!("calls cannot be filtered: {e}")))
}

/// The second says that there is no `clone3`, whose flags cannot be looked at; the C library then uses `clone`.
fn filters(modes: bool) -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let none_such = Rules::from([(libc::SYS_clone3, Vec::new())]);
    Ok([program(rules(modes)?, libc::EPERM)?, program(none_such, libc::ENOSYS)?])
}

fn program(rules: Rules, error: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let refused = SeccompAction::Errno(error.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refused, std::env::consts::ARCH.try_into()?)?.try_into()
}

fn rules(modes: bool) -> Result<Rules, seccompiler::BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let whole = [&PROCESSES[..], &SURFACE, &MOUNTS, &MACHINE, &IDENTITY, &PATHS, &NATIVE];
    let mut rules: Rules = whole.concat().into_iter().map(|call| (call, Vec::new())).collect();
    if !modes {
        rules.extend(MODES.map(|call| (call, Vec::new())));
    }
    // The kernel looks at the lower half of these arguments alone.
    let is = |argument, operator, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
    let typing = TYPING.map(|control| SeccompRule::new(vec![is(1, Eq, control)?]));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Result<_, _>>()?);
    let spaces = NAMESPACES.map(|flag| {
        let bit = u64::from(flag.unsigned_abs());
        SeccompRule::new(vec![is(0, MaskedEq(bit), bit)?])
    });
    rules.insert(libc::SYS_clone, spaces.into_iter().collect::<Result<_, _>>()?);
    let others = FAMILIES.map(|family| is(0, Ne, u64::from(family.unsigned_abs())));
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(others.into_iter().collect::<Result<_, _>>()?)?]);
    #[cfg(target_arch = "x86_64")]
    {
        // Nothing that is built for this processor makes such calls.
        let short: Vec<c_long> = rules.keys().copied().chain(X32_OWN).map(|call| call | X32_BIT).collect();
        rules.extend(short.into_iter().map(|call| (call, Vec::new())));
    }
    Ok(rules)
}
