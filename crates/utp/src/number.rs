//! Sequence arithmetic (BEP 29, `seq_nr` and `ack_nr`): packets are counted in 64 bits inside, so nothing here ever wraps; on the wire
//! stand the lower 16, and what comes in is taken for the nearest number that ends so.

/// Numbers begin above this, so that those before the first exist too.
const ORIGIN: u64 = 1 << 16;

/// The first number of a direction that begins with `wire`.
pub(crate) fn begin(wire: u16) -> u64 {
    ORIGIN | u64::from(wire)
}

/// What stands on the wire for a number.
pub(crate) fn wire(number: u64) -> u16 {
    number as u16
}

/// The number that ends in `wire` and lies within 32,768 of `near`.
pub(crate) fn nearest(near: u64, wire: u16) -> u64 {
    let away = wire.wrapping_sub(near as u16).cast_signed();
    near.saturating_add_signed(i64::from(away))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_the_wire_across_every_wrap() {
        for first in [0, 1, 0x7FFF, 0x8000, 0xFFFF] {
            let first = begin(first);
            for number in first..first + 200_000 {
                assert_eq!(nearest(number.saturating_sub(30_000), wire(number)), number);
                assert_eq!(nearest(number + 30_000, wire(number)), number);
            }
        }
    }
}
