//! Lists of addresses read from files (own design; gzip is RFC 1952): line by line, within bounds, so that no list costs more than its ranges.
use core::fmt;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Filter, LINE_MAX, Line, parse};

/// Bytes of one list, unpacked.
const FILE_MAX: u64 = 512 << 20;
/// Ranges of all lists together.
const RANGES_MAX: usize = 8_000_000;
/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why a list cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum FilterError {
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// No line of it is understood.
    NoList(PathBuf),
    /// It is larger than any list is, or they are together.
    TooLarge(PathBuf),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "the filter {} cannot be read: {error}", path.display()),
            Self::NoList(path) => {
                write!(f, "{} is no list of addresses: CIDR, ipfilter.dat and P2P lines are read", path.display())
            }
            Self::TooLarge(path) => write!(f, "the filter {} is too large", path.display()),
        }
    }
}

impl core::error::Error for FilterError {}

/// Reads lists into one filter; says how many lines were not understood, too. A list with nothing but such lines is an error, an empty one is none.
pub fn read(files: &[PathBuf]) -> Result<(Filter, u64), FilterError> {
    let (mut filter, mut bad) = (Filter::default(), 0);
    for path in files {
        bad += read_one(path, &mut filter)?;
    }
    filter.settle();
    Ok((filter, bad))
}

fn read_one(path: &Path, filter: &mut Filter) -> Result<u64, FilterError> {
    let io = |error| FilterError::Io(path.to_owned(), error);
    let mut file = BufReader::with_capacity(64 * 1024, File::open(path).map_err(io)?);
    let packed = file.fill_buf().map_err(io)?.starts_with(&GZIP);
    let mut text: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let (mut line, mut left, mut good, mut bad) = (Vec::new(), FILE_MAX, 0_u64, 0_u64);
    loop {
        line.clear();
        let len = text.by_ref().take(LINE_MAX as u64).read_until(b'\n', &mut line).map_err(io)? as u64;
        if len == 0 {
            break;
        }
        left = left.checked_sub(len).ok_or_else(|| FilterError::TooLarge(path.to_owned()))?;
        match parse(&line) {
            Line::Range(first, last) => {
                good += 1;
                filter.add(first, last);
            }
            Line::Passes => good += 1,
            Line::Nothing => {}
            Line::Bad => bad += 1,
        }
        if filter.len() > RANGES_MAX {
            return Err(FilterError::TooLarge(path.to_owned()));
        }
    }
    if good == 0 && bad > 0 { Err(FilterError::NoList(path.to_owned())) } else { Ok(bad) }
}
