//! Values of the file that are checked as they are read, so that what is wrong with one is said with its line.
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// Connections to peers that a daemon may be told to have. Fewer than the first leave nothing to those that dial us.
const CONNECTIONS: RangeInclusive<usize> = 50..=20_000;

/// A value in the words that the command line has for it, and as it was written; numbers may stand without quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Typed<T> {
    /// What is meant.
    pub value: T,
    /// As it was written.
    pub text: String,
}

impl<'de, T> Deserialize<'de> for Typed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Words<T>(PhantomData<T>);
        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Words<T> {
            type Value = Typed<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes, or a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let value = text.parse().map_err(|e: T::Err| E::custom(e))?;
                Ok(Typed { value, text: text.to_owned() })
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
        }
        from.deserialize_any(Words(PhantomData))
    }
}

/// An absolute path; `~/` at its begin is the home of the user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place(pub PathBuf);

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let path = match text.strip_prefix("~/") {
            Some(rest) => {
                let home = std::env::var_os("HOME").ok_or("the variable HOME is not set: write the path in full")?;
                PathBuf::from(home).join(rest)
            }
            None => PathBuf::from(text),
        };
        if path.is_absolute() { Ok(Self(path)) } else { Err(format!("`{text}` is no path from `/` or `~/`")) }
    }
}

/// A program with its arguments: a list that is not empty and whose texts can be handed to a program.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, Debug)]
#[serde(try_from = "Vec<String>")]
pub struct Program(pub Vec<String>);

impl TryFrom<Vec<String>> for Program {
    type Error = &'static str;
    fn try_from(run: Vec<String>) -> Result<Self, Self::Error> {
        let is_whole =
            run.first().is_some_and(|program| !program.is_empty()) && !run.iter().any(|text| text.contains('\0'));
        if is_whole { Ok(Self(run)) } else { Err("a list of a program and its arguments is wanted") }
    }
}

/// How many connections there may be, with room for peers and within what a process may have open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connections(pub usize);

impl FromStr for Connections {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let range = CONNECTIONS;
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.map(Self).ok_or_else(|| format!("`{text}` connections: from {} to {}", range.start(), range.end()))
    }
}
