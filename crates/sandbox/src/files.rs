//! Writing is kept to the ground by Landlock (landlock(7)): whatever else is on the machine can be read at most.
//!
//! Level 1 (Linux 5.13) is enough for making, writing and removing. 3 adds cutting files short, 5 the controls of devices, 6 signals to
//! processes outside and their sockets without a path. Running a program is refused here too, for kernels whose calls are not filtered.
use crate::ground::Ground;
use landlock::{
    ABI, Access, AccessFs, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::path::Path;

/// The newest level whose rules are known to suit: 9 refuses sockets with a path, which name resolution speaks over.
const LEVEL: ABI = ABI::V7;

/// What came of it.
pub(crate) struct Kept {
    pub(crate) level: Result<u32, String>,
    pub(crate) no_new_privs: bool,
}

pub(crate) fn keep(ground: &Ground) -> Kept {
    match restrict(ground) {
        Ok(kept) => kept,
        Err(e) => Kept { level: Err(e.to_string()), no_new_privs: false },
    }
}

fn restrict(ground: &Ground) -> Result<Kept, RulesetError> {
    let refused = AccessFs::from_write(LEVEL) | AccessFs::Execute;
    let ruleset = Ruleset::default().handle_access(refused)?.scope(Scope::from_all(LEVEL))?.create()?;
    let ruleset = add(ruleset, &ground.folders, below())?;
    let ruleset = add(ruleset, &ground.sockets, AccessFs::MakeSock | AccessFs::RemoveFile)?;
    let mut ruleset = add(ruleset, &ground.shelves, swapping())?;
    for outlet in &ground.outlets {
        let Ok(outlet) = PathFd::new(outlet) else { continue };
        // A pipe without a name lies in no folder: there is no rule for it, and it needs none.
        let _ = (&mut ruleset).add_rule(PathBeneath::new(outlet, AccessFs::WriteFile));
    }
    if ground.terminal
        && let Ok(terminal) = PathFd::new("/dev/tty")
    {
        // Its name, since it is opened anew. What would type for the user is refused by the filter of calls.
        let _ = (&mut ruleset).add_rule(PathBeneath::new(terminal, AccessFs::IoctlDev));
    }
    let status = ruleset.restrict_self()?;
    let level = match (&status.ruleset, &status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("Landlock is not enabled in this kernel".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Err("this kernel has no Landlock".to_owned()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok((*effective_abi).min(LEVEL) as u32),
        _ => Err("Landlock does not say what it does".to_owned()),
    };
    Ok(Kept { level, no_new_privs: status.no_new_privs })
}

/// What is done below a folder of content or state. Nothing there is a link, a device or a socket.
fn below() -> BitFlags<AccessFs> {
    swapping() | AccessFs::MakeDir | AccessFs::RemoveDir | AccessFs::Refer
}

/// What replacing a file by another takes.
fn swapping() -> BitFlags<AccessFs> {
    AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile
}

/// What cannot be opened is not there or not ours, and is in the way of its command itself.
fn add<P: AsRef<Path>>(
    ruleset: RulesetCreated,
    paths: &[P],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let rules = paths.iter().filter_map(|path| Some(PathBeneath::new(PathFd::new(path).ok()?, access)));
    ruleset.add_rules(rules.map(Ok::<_, RulesetError>))
}
