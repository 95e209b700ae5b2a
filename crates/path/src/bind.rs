//! What the user binds to (own design; `--bind`): an interface with all its addresses, or one address.
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// Bytes of an interface's name at most (IFNAMSIZ without the end).
const NAME_MAX: usize = 15;

/// One thing to bind to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bind {
    /// An interface by its name: nothing leaves by another, whatever the routes say.
    Interface(String),
    /// An address: everything leaves from it, and on Linux by the interface that has it.
    Addr(IpAddr),
}

/// A text that is neither an address nor an interface's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BindError(String);

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is neither an address nor the name of an interface", self.0.escape_debug())
    }
}

impl core::error::Error for BindError {}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => f.write_str(name),
            Self::Addr(addr) => addr.fmt(f),
        }
    }
}

impl FromStr for Bind {
    type Err = BindError;

    fn from_str(text: &str) -> Result<Self, BindError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(addr) = bare.parse::<IpAddr>() {
            let addr = addr.to_canonical();
            return if addr.is_unspecified() { Err(BindError(text.into())) } else { Ok(Self::Addr(addr)) };
        }
        // The kernel takes no name with these (dev_valid_name).
        let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        let named = !text.is_empty() && text.len() <= NAME_MAX && text != "." && text != ".." && !text.contains(odd);
        if named { Ok(Self::Interface(text.into())) } else { Err(BindError(text.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        let of = |text: &str| text.parse::<Bind>().map(|bind| (matches!(bind, Bind::Addr(_)), bind.to_string())).ok();
        assert_eq!(of("tun0"), Some((false, "tun0".into())));
        assert_eq!(of("10.8.0.2"), Some((true, "10.8.0.2".into())));
        assert_eq!(of("[2001:db8::1]"), Some((true, "2001:db8::1".into())));
        assert_eq!(of("::ffff:10.8.0.2"), Some((true, "10.8.0.2".into())));
        for bad in ["", "0.0.0.0", "::", "a name", "tun0/24", "eth0:1", "..", "longer-than-any-name", "tun\n0"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
