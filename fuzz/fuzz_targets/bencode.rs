//! The bencode parser: never panics; what it calls canonical comes out of the writer byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_bencode::{Kind, Limits, Value, Writer, parse, parse_prefix};

fuzz_target!(|bytes: &[u8]| {
    let prefix = parse_prefix(bytes, &Limits::MESSAGE);
    let Ok(document) = parse(bytes, &Limits::MESSAGE) else { return };
    assert_eq!(document.root().raw(), bytes);
    assert!(prefix.is_ok_and(|(_, used)| used == bytes.len()));
    if document.root().is_canonical() {
        let mut writer = Writer::new();
        write(document.root(), &mut writer);
        assert_eq!(writer.as_bytes(), bytes);
    }
});

fn write(value: Value<'_, '_>, out: &mut Writer) {
    match value.kind() {
        Kind::Int => match value.as_int() {
            Some(number) => out.int(number),
            None => out.raw(value.raw()), // beyond 64 bits
        },
        Kind::Bytes => out.bytes(value.as_bytes().unwrap_or_default()),
        Kind::List => out.list(|out| value.list().into_iter().flatten().for_each(|item| write(item, out))),
        Kind::Dict => out.dict(|out| {
            for (key, item) in value.dict().into_iter().flatten() {
                write(item, out.key(key));
            }
        }),
    }
}
