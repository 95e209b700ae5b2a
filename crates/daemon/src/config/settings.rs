//! What holds, and where it comes from: told to those who ask a running daemon.
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Where a value comes from; what stands later wins over what stands before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody said anything of it.
    Default,
    /// The file that the daemon is set up by.
    File,
    /// A variable of the environment.
    Environment,
    /// The command line.
    CommandLine,
    /// Somebody who asked the daemon to, which it keeps.
    Api,
}

/// A key of the daemon's file, with its value.
#[derive(Clone, PartialEq, Serialize, ToSchema, Debug)]
pub struct Setting {
    /// How the file calls it, with its table.
    pub key: String,
    /// The value that holds, in the units of the file.
    pub value: Value,
    /// Where that comes from.
    pub origin: Origin,
    /// Whether a reload changes it.
    #[serde(skip)]
    pub live: bool,
}
