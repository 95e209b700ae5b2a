//! Worlds drawn from seeds (own design): lines that lose, delay, repeat and shrink, clocks that jump, acknowledgements that lie, programs that leave at any
//! step and nodes that die; in a quarter of them all streams are encrypted. Whatever happens, each stream arrives as it was written, and all
//! connections end on both sides in bounded time and memory.

use crate::packets::host::{Host, Over, Plan};
use crate::packets::line::{Line, Nature};
use crate::packets::world::{Kind, Tamper, World, address};
use teem_swarm::rng::Rng;
use teem_utp::packet::{Head, Kind as Packet};
use teem_utp::{Settings, Why};

/// All connections are over by then, in virtual microseconds: ten minutes of silence, and what a slow line takes.
const END_US: u64 = 1_200_000_000;

/// What became of a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Streams that were opened, and those that arrived whole.
    pub streams: u32,
    /// Streams of which both sides know that all has arrived.
    pub whole: u32,
    /// Nothing was in the way of any of them.
    pub gentle: bool,
}

fn one_in(rng: &mut Rng, n: u64) -> bool {
    rng.below(n) == 0
}

fn pick(rng: &mut Rng, from: &[u64]) -> u64 {
    from[rng.below(from.len() as u64) as usize]
}

/// How rough a world is.
#[derive(Clone, Copy, Debug)]
struct Mood {
    lossy: bool,
    leaving: bool,
    dying: bool,
    jumping: bool,
    forging: bool,
    starving: bool,
}

fn line(rng: &mut Rng, mood: Mood) -> Line {
    let rate = pick(rng, &[500_000, 5_000_000, 50_000_000, 1_000_000_000]);
    let delay = pick(rng, &[10, 1_000, 20_000, 150_000, 600_000]);
    let mut nature = Nature::new(rate, delay, pick(rng, &[5_000, 50_000, 500_000]));
    nature.queue_max = nature.queue_max.max(6_000);
    if mood.lossy {
        nature.loss_ppm = pick(rng, &[0, 1_000, 10_000, 50_000, 200_000]);
        nature.twice_ppm = pick(rng, &[0, 10_000, 200_000]);
        nature.spoil_ppm = pick(rng, &[0, 0, 10_000]);
        nature.jitter_us = pick(rng, &[0, 0, 500, 20_000]);
        nature.reorders = one_in(rng, 2);
        nature.mtu = pick(rng, &[1_472, 1_472, 1_452, 1_400, 1_232]) as usize;
    }
    Line::new(nature)
}

fn plan(rng: &mut Rng, mood: Mood) -> Plan {
    let bytes = pick(rng, &[0, 1, 68, 3_000, 40_000, 150_000]);
    let mut plan = Plan::of(rng.below(bytes + 1) + bytes / 2);
    if one_in(rng, 6) {
        plan.sip_us = Some(pick(rng, &[100, 10_000, 100_000]));
    }
    if mood.leaving && one_in(rng, 3) {
        plan.leaves_at = Some(rng.below(plan.bytes + 20_000));
    }
    plan
}

/// Timestamps as a clock that jumps or lies would give them.
fn jumps(seed: u64) -> Tamper {
    let mut clock = 0_u32;
    let mut rng = Rng::new(seed);
    Box::new(move |_, bytes, _| {
        if one_in(&mut rng, 40) {
            clock = clock.wrapping_add(rng.next_u64() as u32 >> rng.below(32));
        }
        if let Some(head) = Head::decode(bytes) {
            let lied = Head {
                timestamp_us: head.timestamp_us.wrapping_add(clock),
                timestamp_difference_us: head.timestamp_difference_us.wrapping_sub(clock),
                ..head
            };
            let extension = bytes[1];
            bytes[..20].copy_from_slice(&lied.encode());
            bytes[1] = extension;
        }
        true
    })
}

/// One in some packets is made into another that its sender never sent.
fn forges(seed: u64) -> Tamper {
    let mut rng = Rng::new(seed);
    let share = pick(&mut rng, &[3, 20, 200]);
    Box::new(move |now_us, bytes, _| {
        // It ends, so that the end can be reached.
        if now_us < 20_000_000 && one_in(&mut rng, share) && bytes.len() >= 20 {
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len().min(30) as u64) as usize;
                // The id is left, or nobody would look further.
                if at != 2 && at != 3 {
                    bytes[at] = rng.next_u64() as u8;
                }
            }
            if one_in(&mut rng, 3) {
                bytes.truncate(20 + rng.below(bytes.len() as u64 - 19) as usize);
            }
        }
        true
    })
}

/// Runs the world of a seed. Panics where an invariant is broken, a stream arrives changed, or something is not over in time.
pub fn run(seed: u64) -> Outcome {
    let mut rng = Rng::new(seed ^ 0x7574_7021);
    let rng = &mut rng;
    let mood = Mood {
        lossy: !one_in(rng, 4),
        leaving: one_in(rng, 4),
        dying: one_in(rng, 12),
        jumping: one_in(rng, 6),
        forging: one_in(rng, 6),
        starving: one_in(rng, 8),
    };
    let lines = vec![line(rng, mood), line(rng, mood)];
    let gentle = lines.iter().all(|line| {
        let nature = &line.nature;
        nature.loss_ppm + nature.spoil_ppm <= 20_000 && nature.delay_us < 600_000 && nature.rate > 500_000 / 8
    });
    let gentle = gentle && !mood.leaving && !mood.dying && !mood.jumping && !mood.forging && !mood.starving;
    let mut world = World::new(lines, rng.next_u64());
    let settings =
        Settings { memory_max: if mood.starving { 200_000 } else { 64 << 20 }, connections_max: 8, accepts: true };
    for node in 0..2 {
        let mut host = Host::new(settings, address(node), [rng.next_u64(), rng.next_u64()], plan(rng, mood));
        host.honest = !mood.forging;
        host.veils = one_in(&mut Rng::new(seed ^ 0x766C_6973), 4).then_some((seed << 8) | (node as u64) << 7);
        world.add(Kind::Utp(Box::new(host)), node);
        // The 32 bits of a timestamp wrap soon.
        world.nodes[node].clock_us = (1 << 32) - rng.below(20_000_000) + (rng.below(100) << 32);
    }
    if mood.jumping {
        world.tamper = Some(jumps(rng.next_u64()));
    } else if mood.forging {
        world.tamper = Some(forges(rng.next_u64()));
    }
    for opener in 0..=rng.below(2) as usize {
        for _ in 0..=rng.below(2) {
            let (clock, plan) = (world.clock(opener), plan(rng, mood));
            world.host(opener).connect(clock, address(1 - opener), plan);
        }
        world.wake(opener, 0);
    }
    trouble(&mut world, rng, mood);
    world.run_until(END_US);
    judge(&mut world, mood, gentle, seed)
}

/// What happens on the way.
fn trouble(world: &mut World, rng: &mut Rng, mood: Mood) {
    for _ in 0..3 {
        let scale = 10 + rng.below(14);
        let at = world.now_us + rng.below(1 << scale);
        world.run_until(at);
        let node = rng.below(2) as usize;
        if mood.dying && one_in(rng, 2) {
            world.nodes[node].dead = true;
        }
        if mood.jumping {
            // A machine that slept.
            world.nodes[node].clock_us += rng.below(100_000_000);
            world.wake(node, at);
        }
        if mood.lossy && one_in(rng, 6) {
            let narrow = &mut world.lines[node].nature.mtu;
            *narrow = (*narrow).min(1_232);
        }
        if mood.forging {
            for _ in 0..rng.below(50) {
                let head = Head {
                    kind: [Packet::Data, Packet::Fin, Packet::State, Packet::Syn][rng.below(4) as usize],
                    connection_id: rng.next_u64() as u16,
                    timestamp_us: rng.next_u64() as u32,
                    timestamp_difference_us: rng.next_u64() as u32,
                    window: rng.next_u64() as u32,
                    seq_nr: rng.next_u64() as u16,
                    ack_nr: rng.next_u64() as u16,
                };
                world.inject(node, 1 - node, head.encode().to_vec());
            }
        }
    }
}

fn judge(world: &mut World, mood: Mood, gentle: bool, seed: u64) -> Outcome {
    let mut outcome = Outcome { gentle, ..Outcome::default() };
    let mut sums = [(0, 0); 2];
    for (node, sum) in sums.iter_mut().enumerate() {
        let dead = world.nodes[node].dead;
        let (lines, host) = (
            world_lines(&world.lines),
            match &mut world.nodes[node].kind {
                Kind::Utp(host) => host,
                _ => continue,
            },
        );
        host.socket.check();
        if dead {
            continue;
        }
        assert_eq!(host.socket.connections(), 0, "seed {seed}: a connection never ends: {mood:?} {:?}", host.streams);
        assert_eq!(host.socket.memory(), 0, "seed {seed}: memory stays");
        for stream in host.streams.values() {
            outcome.streams += 1;
            assert!(stream.over.is_some(), "seed {seed}: an end was not told");
            let whole = stream.over == Some(Over::Told(Why::Finished));
            assert!(!gentle || whole, "seed {seed}: {stream:?} in {lines:?}");
            outcome.whole += u32::from(whole);
            if whole {
                *sum = (sum.0 + stream.wrote, sum.1 + stream.read);
            }
        }
    }
    if gentle {
        assert_eq!((sums[0].0, sums[0].1), (sums[1].1, sums[1].0), "seed {seed}: not all that was written was read");
    }
    outcome
}

fn world_lines(lines: &[Line]) -> Vec<&Nature> {
    lines.iter().map(|line| &line.nature).collect()
}
