//! What a stream costs without disk and hashes (own design): two hosts on loopback in one process, one asks for blocks and the other answers each with the same
//! bytes. Says how many MiB a second of processor time moves, both sides together.
//!
//!     cargo run --release -p teem-host --example stream -- tcp 1024
//!     cargo run --release -p teem-host --example stream -- utp 1024
//!     cargo run --release -p teem-host --example stream -- utp 128 100000 20
//!
//! With a second number so many packets of garbage a second come to the port of the one that asks in every other of eleven streams, and what is left of the rate is
//! said: the median of five streams in the flood to that of those around them. A third is the MiB that are asked for in a second, as a line would have it; without
//! one it is as many as the processors bear, of which the garbage and those that send it take their part.
#![allow(clippy::print_stdout)] // its figures are for a person
use rustix::time::{ClockId, clock_gettime};
use std::collections::VecDeque;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use teem_engine::input::Input;
use teem_engine::storage::Storage;
use teem_host::config::HostConfig;
use teem_host::error::HostError;
use teem_host::host::start;
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::owner::{Machine, Owner};
use teem_metainfo::InfoHash;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Job};
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, How, Transport, Transports};
use teem_swarm::time::Time;
use teem_wire::datagram::Datagram;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

/// Requests that are ahead of the blocks: 4 MiB.
const AHEAD: u32 = 256;

/// Buffers that go round, as those of the disk do.
type Pool = Arc<Mutex<Vec<Vec<u8>>>>;

struct Block(Vec<u8>, Pool);

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        held(&self.1).push(std::mem::take(&mut self.0));
    }
}

fn handshake() -> Handshake {
    Handshake { info_hash: InfoHash([7; 20]), peer_id: PeerId([9; 20]), features: Features::default() }
}

fn held(pool: &Pool) -> MutexGuard<'_, Vec<Vec<u8>>> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

fn buffer(pool: &Pool) -> Block {
    let bytes = held(pool).pop().unwrap_or_else(|| vec![5; BLOCK_LEN as usize]);
    Block(bytes, Arc::clone(pool))
}

struct Memory(Pool);

impl Storage for Memory {
    type Block = Block;
    fn alloc(&mut self, _: usize) -> Option<Block> {
        Some(buffer(&self.0))
    }
    fn submit(&mut self, jobs: &mut VecDeque<Job<Block>>) {
        jobs.clear();
    }
    fn poll(&mut self, _: &mut Vec<Done<Block>>) {}
    fn set_waker(&mut self, _: Arc<dyn Fn() + Send + Sync>) {}
}

struct Nobody;

impl Owner for Nobody {
    fn on_event(&mut self, _: Event) {}
    fn on_ask(&mut self, _: AskId, _: Question) -> Option<Answer> {
        None
    }
    fn on_http(&mut self, _: TcpStream) {}
    fn on_datagram(&mut self, _: Datagram) {}
    fn on_failure(&mut self, why: &HostError) {
        println!("{why}");
    }
}

/// One side of the stream.
struct Side {
    outputs: VecDeque<Output<Block>>,
    pool: Pool,
    /// Blocks to ask for, and to wait for.
    left: u32,
    missing: u32,
    /// Blocks that are asked for in a second; all at once without.
    pace: Option<u32>,
    /// The connection that they are asked on, since when, and how many were.
    paced: Option<(ConnId, Time, u32)>,
    finished: Sender<()>,
}

impl Side {
    fn ask(&mut self, conn: ConnId, count: u32) {
        for _ in 0..count.min(self.left) {
            self.left -= 1;
            let at = BlockRef { piece: self.left, begin: 0, len: BLOCK_LEN };
            self.outputs.push_back(Output::Send { conn, message: Message::Request(at) });
        }
    }
}

impl Side {
    /// Asks for what is due by now.
    fn keep_pace(&mut self, now: Time) {
        let (Some(pace), Some((conn, begun, asked))) = (self.pace, self.paced) else { return };
        let due = (now.since(begun).as_millis() * u128::from(pace) / 1_000) as u32;
        let more = due.max(asked + 1) - asked;
        self.paced = Some((conn, begun, asked + more));
        self.ask(conn, more);
    }
}

impl Machine<Block> for Side {
    fn handle(&mut self, now: Time, input: Input<Block>) {
        match input {
            Input::Tick => self.keep_pace(now),
            Input::Connected { conn, .. } => {
                self.outputs.push_back(Output::Hello { conn, handshake: handshake() });
                match self.pace {
                    Some(_) => self.paced = Some((conn, now, 0)),
                    None => self.ask(conn, AHEAD),
                }
            }
            Input::Hello { conn, .. } if self.missing == 0 => {
                self.outputs.push_back(Output::Hello { conn, handshake: handshake() });
            }
            Input::Message { conn, message: Message::Request(at) } => {
                self.outputs.push_back(Output::SendBlock { conn, at, data: buffer(&self.pool) });
            }
            Input::Block { conn, data, .. } => {
                drop(data);
                if self.pace.is_none() {
                    self.ask(conn, 1);
                }
                self.missing -= 1;
                if self.missing == 0 {
                    let _ = self.finished.send(());
                }
            }
            _ => {}
        }
    }
    fn poll_output(&mut self) -> Option<Output<Block>> {
        self.outputs.pop_front()
    }
    fn deadline(&self) -> Option<Time> {
        let (_, begun, asked) = self.paced.filter(|_| self.left > 0)?;
        self.pace.map(|pace| begun + Duration::from_secs(1) * (asked + 1) / pace)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let transport = if args.next().as_deref() == Some("tcp") { Transport::Tcp } else { Transport::Utp };
    let mib: u32 = args.next().map_or(Ok(1_024), |mib| mib.parse())?;
    let Some(garbage) = args.next() else {
        let (wall, cpu) = stream(transport, mib, 0, None)?;
        println!(
            "{transport:?}: {mib} MiB in {wall:.2} s, {cpu:.2} s of processor time: {:.0} MiB a second of it",
            f64::from(mib) / cpu
        );
        return Ok(());
    };
    let garbage: u32 = garbage.parse()?;
    let pace = args.next().map(|mib| mib.parse::<u32>()).transpose()?.map(|mib| mib * 64);
    let (mut quiet, mut flooded) = (Vec::new(), Vec::new());
    for n in 0..11 {
        let rate = if n % 2 == 0 { 0 } else { garbage };
        let rates = if rate == 0 { &mut quiet } else { &mut flooded };
        rates.push(f64::from(mib) / stream(transport, mib, rate, pace)?.0);
    }
    let [quiet, flooded] = [&mut quiet, &mut flooded].map(|rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!(
        "{transport:?}: {quiet:.0} MiB/s, {flooded:.0} with {garbage} packets of garbage a second: {:.3} of it",
        flooded / quiet
    );
    Ok(())
}

/// One stream of so many MiB, beside so many packets of garbage a second: seconds, and seconds of processor time.
fn stream(transport: Transport, mib: u32, garbage: u32, pace: Option<u32>) -> Result<(f64, f64), Box<dyn Error>> {
    let config = HostConfig { transports: Transports::Auto, ..HostConfig::new(Encryption::Off, |bytes| bytes.fill(7)) };
    let bind = || {
        Listeners::bind(
            &teem_path::Path::direct(),
            ListenConfig { addr: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port: 0 },
        )
    };
    let (finished, done) = channel();
    let side = |blocks: u32, outputs: VecDeque<Output<Block>>| Side {
        outputs,
        pool: Pool::default(),
        left: blocks,
        missing: blocks,
        pace: pace.filter(|_| blocks > 0),
        paced: None,
        finished: finished.clone(),
    };
    let seed = start(bind()?, config, side(0, VecDeque::new()), Memory(Pool::default()), Nobody)?;
    let to = seed.bound().addrs[0].into();
    let dial = Output::Dial { torrent: TorrentId(1), to, plan: How { transport, mse: false }.into() };
    let leech = side(mib * 64, [dial].into());
    let memory = Memory(Arc::clone(&leech.pool));
    let (wall, cpu) = (Instant::now(), cpu_s());
    let leech = start(bind()?, config, leech, memory, Nobody)?;
    let port = leech.bound().addrs[0];
    let ends = AtomicBool::new(garbage == 0);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(port, garbage, &ends));
        let finished = done.recv();
        ends.store(true, Ordering::Relaxed);
        let sent = flood.join().map_err(|_| "the flood has failed")??;
        let wall = wall.elapsed().as_secs_f64();
        if garbage != 0 {
            println!("  {:.0} packets of garbage a second in {wall:.2} s", f64::from(sent) / wall);
        }
        finished.map_err(Into::<Box<dyn Error>>::into)
    })?;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_s() - cpu);
    for host in [leech, seed] {
        host.stop();
        host.join()?;
    }
    Ok((wall, cpu))
}

/// Sends so many packets a second that are nobody's until it ends; how many there were. They come by the hundred, each millisecond at most.
fn flood(to: SocketAddr, per_second: u32, ends: &AtomicBool) -> std::io::Result<u32> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut packet = [0; 200];
    let (begun, mut sent, mut drawn) = (Instant::now(), 0_u32, 1_u32);
    while !ends.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u32;
        if due < sent + 100 {
            std::thread::sleep(Duration::from_micros(500));
            continue;
        }
        for _ in 0..100 {
            drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            packet[..4].copy_from_slice(&drawn.to_be_bytes());
            // What the system has no room for is lost, as garbage may be.
            let _ = socket.send_to(&packet[..20 + drawn as usize % 180], to);
        }
        sent += 100;
    }
    Ok(sent)
}

/// Processor time of all threads so far.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
