//! Where each command may write (own design): its sandbox is closed around that. It follows from the options: the folder to download into, the file to
//! write, the folder of saved state. What is not there yet is made first, because what is not there cannot be opened to a command.
use crate::cli::{self, Command};
use crate::exit::Stop;
use crate::foreign::plain;
use crate::progress::Progress;
use crate::{addr, config, create, daemon, get, hooks, state, stdin};
use teem_client::store;
use teem_sandbox::Ground;

/// Where a command may write, with what it needs there made; `None` for those that read nothing of others.
pub(crate) fn ground(command: &Command) -> Result<Option<Ground>, Stop> {
    let mut ground = Ground::default();
    match command {
        // The daemon writes.
        Command::Get(options) if options.keep => {}
        Command::Get(options) => {
            get::ready(options)?;
            addr::listen(options.listen.as_deref(), true)?;
            ground.folders.push(options.output.clone());
            state_folder(&mut ground)?;
        }
        Command::Seed(cli::Seed { listen, .. }) => {
            addr::listen(listen.as_deref(), true)?;
            state_folder(&mut ground)?;
        }
        Command::Share(options) => {
            addr::listen(options.listen.as_deref(), true)?;
            if let Some(output) = &options.output {
                ground.file(output);
            }
            state_folder(&mut ground)?;
        }
        Command::Create(options) => {
            let output = options.output.clone().unwrap_or_else(|| create::default_output(&options.path));
            if !stdin::is_dash(&output.to_string_lossy()) {
                ground.file(&output);
            }
        }
        Command::Edit(options) if !options.dry_run => {
            ground.modes = true;
            // One that cannot be followed cannot be read either, which is said.
            for file in options.files.iter().filter_map(|file| std::fs::canonicalize(file).ok()) {
                ground.file(&file);
            }
        }
        Command::Daemon(options) => {
            addr::listen(options.listen.as_deref(), true)?;
            for root in daemon::roots(options)? {
                ground.folders.push(root);
            }
            let socket = daemon::socket(options)?;
            teem_daemon::ready_folder(&socket)
                .map_err(|e| Stop::local(format!("{} cannot be made: {e}", socket.display())))?;
            for watched in config::layers(options).file.watched() {
                std::fs::create_dir_all(&watched.folder)
                    .map_err(|e| Stop::local(format!("watch: {} cannot be made: {e}", watched.folder.display())))?;
                ground.folders.push(watched.folder);
            }
            ground.sockets.extend(socket.parent().map(std::path::Path::to_path_buf));
            state_folder(&mut ground)?;
            if let Some(path) = hooks::exposed(options, &ground.folders) {
                return Err(Stop::usage(format!(
                    "{} has hooks and lies where the daemon may write: one that takes the daemon over could have anything run; put it elsewhere",
                    path.display()
                )));
            }
        }
        Command::State(options) => match &options.what {
            Some(cli::state::What::Export(options)) => {
                state::ready_folder(&options.to)?;
                ground.folders.push(options.to.clone());
            }
            // The daemon writes.
            Some(cli::state::What::Import(_)) => {}
            // Nothing is made by it: without a folder there is nothing to list or to forget.
            _ => ground.folders.extend(store::state_dir().ok()),
        },
        Command::Top(_) => ground.terminal = true,
        // For the last ones, from `add` on, the daemon writes.
        Command::Edit(_)
        | Command::Dht(_)
        | Command::Show(_)
        | Command::Verify(_)
        | Command::Track(_)
        | Command::Config(_)
        | Command::Add(_)
        | Command::List(_)
        | Command::Why(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Remove(_)
        | Command::Move(_)
        | Command::Recheck(_)
        | Command::Set(_)
        | Command::Limits(_)
        | Command::Events(_)
        | Command::Announce(_)
        | Command::Feed(_)
        | Command::Token(_) => {}
        Command::Completions(_) | Command::Man(_) => return Ok(None),
    }
    Ok(Some(ground))
}

/// The folder of saved state, which is made if it is not there.
fn state_folder(ground: &mut Ground) -> Result<(), Stop> {
    let folder = store::state_dir().map_err(Stop::local)?;
    store::ready_state_dir(&folder).map_err(Stop::local)?;
    if store::is_open_to_others(&folder) {
        let shown = plain(&folder.display().to_string());
        Progress::new(false).say(&format!(
            "warning: others on this machine can list {shown}, whose names say what was downloaded; `chmod 700` keeps it yours"
        ));
    }
    ground.folders.push(folder);
    Ok(())
}
