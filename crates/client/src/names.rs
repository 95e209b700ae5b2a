//! Names looked up by ourselves, over sockets of the path (own design; RFC 1035): where the user bound it, the system's resolver would ask by a
//! way of its own. The hosts file is looked at first, then the system's servers are asked.
//!
//! A question goes out from a port of its own, and only its server's answers are heard (the socket is connected); ids cannot be guessed.
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use teem_path::Path;
use teem_path::dns::{Answer, Family, Question, UDP_MAX};
use teem_path::names::{Resolv, in_hosts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};

/// The port of name servers.
const PORT: u16 = 53;
/// How long one server's answer is waited for.
const WAIT: Duration = Duration::from_secs(2);
/// How often all servers are asked.
const ROUNDS: usize = 2;
/// Packets that are no answers, after which a server is given up.
const OTHERS_MAX: usize = 64;
/// Aliases asked for one after the other.
const ALIASES_MAX: usize = 4;
/// Bytes of the system's files that are read.
const FILE_MAX: u64 = 1 << 20;

/// The addresses of a name, those of the family first that can be reached.
pub(crate) async fn look_up(path: &Path, name: &str) -> Result<Vec<IpAddr>, String> {
    let in_file = in_hosts(&read("/etc/hosts"), name);
    if !in_file.is_empty() {
        return Ok(in_file);
    }
    let resolv = servers(path)?;
    let mut why = String::from("there is no such name");
    for name in resolv.meanings(name) {
        let (v4, v6) = tokio::join!(
            ask_all(path, &resolv.servers, name.clone(), Family::V4),
            ask_all(path, &resolv.servers, name.clone(), Family::V6)
        );
        if let (Err(e), Err(_)) = (&v4, &v6) {
            why.clone_from(e);
        }
        let (v4, v6) = (v4.unwrap_or_default(), v6.unwrap_or_default());
        let first_v6 = v6.first().is_some_and(|ip| path.source_toward(SocketAddr::new(*ip, PORT)).is_ok());
        let all = if first_v6 { [v6, v4] } else { [v4, v6] }.concat();
        if !all.is_empty() {
            return Ok(all);
        }
    }
    Err(why)
}

/// The system's servers that may be asked. Where a resolver of this machine stands for them, those that it asks.
fn servers(path: &Path) -> Result<Resolv, String> {
    for file in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
        let mut resolv = Resolv::parse(&read(file));
        resolv.servers.retain(|server| path.may_ask(*server));
        if !resolv.servers.is_empty() {
            return Ok(resolv);
        }
    }
    let why =
        "no name server of /etc/resolv.conf may be asked: one on this machine would ask others by a way of its own";
    Err(why.to_owned())
}

/// A file of the system's, as far as it goes.
fn read(file: &str) -> String {
    use std::io::Read;
    let mut bytes = Vec::new();
    // A file that is not there says nothing.
    let _ = std::fs::File::open(file).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask_all(path: &Path, servers: &[IpAddr], mut name: String, family: Family) -> Result<Vec<IpAddr>, String> {
    'alias: for _ in 0..ALIASES_MAX {
        let mut why = String::from("no name server answers");
        for server in (0..ROUNDS).flat_map(|_| servers) {
            let id = crate::entropy::number() as u16;
            let Some(question) = Question::new(id, &name, family) else { return Err("it is no name".to_owned()) };
            let to = SocketAddr::new(*server, PORT);
            match tokio::time::timeout(WAIT, ask(path, to, &question)).await {
                Ok(Ok(Answer::Addrs(addrs))) => return Ok(addrs),
                Ok(Ok(Answer::Alias(alias))) => {
                    name = alias;
                    continue 'alias;
                }
                Ok(Ok(Answer::Failed(what))) => what.clone_into(&mut why),
                Ok(Ok(Answer::Other | Answer::Truncated)) => {
                    "the name server's answer is of no use".clone_into(&mut why);
                }
                Ok(Err(e)) => why = format!("the name server {server} cannot be reached: {e}"),
                Err(_) => {}
            }
        }
        return Err(why);
    }
    Err("the name's aliases lead nowhere".to_owned())
}

/// Asks one server by UDP, and by TCP where its answer does not fit.
async fn ask(path: &Path, to: SocketAddr, question: &Question) -> std::io::Result<Answer> {
    let socket = UdpSocket::from_std(path.udp_toward(to)?)?;
    socket.connect(to).await?;
    socket.send(&question.packet()).await?;
    let mut buffer = [0; UDP_MAX];
    for _ in 0..OTHERS_MAX {
        let len = socket.recv(&mut buffer).await?;
        match question.answer(&buffer[..len]) {
            Answer::Other => {}
            Answer::Truncated => return ask_whole(path, to, question).await,
            answer => return Ok(answer),
        }
    }
    Ok(Answer::Other)
}

/// The same by TCP, where each message has its length before it.
async fn ask_whole(path: &Path, to: SocketAddr, question: &Question) -> std::io::Result<Answer> {
    let mut stream = TcpSocket::from_std_stream(path.stream(to)?).connect(to).await?;
    let packet = question.packet();
    let len = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&len.to_be_bytes()[..], &packet].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(question.answer(&answer))
}
