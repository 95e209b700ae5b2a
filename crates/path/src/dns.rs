//! Questions to name servers and what their answers say, without a socket (RFC 1035, 2181, 3596; BEP 12 and 15 name trackers by host).
//!
//! A question is for the addresses of one name in one family. An answer is one only when its id, its question and its kind are ours; aliases
//! are followed within it. The server does the recursion; what it leaves open is asked again by the caller, by the alias' name.
use core::net::IpAddr;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question as Asked, RCODE, ResourceRecord, TYPE};

/// Bytes of an answer by UDP that are read; no longer one is asked for (RFC 1035, section 4.2.1).
pub const UDP_MAX: usize = 1232;
/// Addresses taken of one answer.
const ADDRESSES_MAX: usize = 16;
/// Aliases followed one after the other.
const ALIASES_MAX: usize = 8;
/// Records of an answer that are looked at.
const RECORDS_MAX: usize = 256;
/// Bytes of a name as it is written.
const NAME_MAX: usize = 253;

/// The family that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// IPv4: records of the kind A.
    V4,
    /// IPv6: records of the kind AAAA.
    V6,
}

/// What a packet says to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is no answer to this question: go on waiting.
    Other,
    /// It did not fit into a packet: ask by TCP.
    Truncated,
    /// The server cannot say; another may.
    Failed(&'static str),
    /// The name is an alias, whose addresses are not in the answer.
    Alias(String),
    /// The addresses; none when there is no such name, or none of that family.
    Addrs(Vec<IpAddr>),
}

/// A question for the addresses of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    id: u16,
    name: String,
    family: Family,
}

impl Question {
    /// A question for the addresses of `name`; `None` when no server can know such a name. `id` must be one that nobody can guess.
    pub fn new(id: u16, name: &str, family: Family) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        (name.len() <= NAME_MAX && name.split('.').all(fits)).then_some(Self { id, name, family })
    }

    /// The packet that asks it.
    pub fn packet(&self) -> Vec<u8> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let kind = if self.family == Family::V4 { TYPE::A } else { TYPE::AAAA };
        let name = Name::new_unchecked(&self.name);
        packet.questions.push(Asked::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        packet.build_bytes_vec().unwrap_or_default()
    }

    /// What a packet from the server says to it.
    pub fn answer(&self, bytes: &[u8]) -> Answer {
        // The header is looked at by itself: an answer that was cut off may not be whole.
        let Some(&[a, b, flags, more]) = bytes.first_chunk::<4>() else { return Answer::Other };
        if u16::from_be_bytes([a, b]) != self.id || flags & 0x80 == 0 || flags & 0x78 != 0 {
            return Answer::Other;
        }
        let truncated = flags & 0x02 != 0;
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(_) if truncated => return Answer::Truncated,
            Err(_) => return Answer::Other,
        };
        if !self.is_asked_by(&packet) {
            // Some servers refuse without repeating what they were asked.
            let refusal = packet.questions.is_empty() && packet.answers.is_empty() && more & 0x0f > 1;
            return if refusal { Answer::Failed("the name server refuses to answer") } else { Answer::Other };
        }
        if truncated {
            return Answer::Truncated;
        }
        match packet.rcode() {
            RCODE::NoError => self.follow(&packet.answers),
            RCODE::NameError => Answer::Addrs(Vec::new()),
            RCODE::ServerFailure => Answer::Failed("the name server has failed"),
            _ => Answer::Failed("the name server refuses to answer"),
        }
    }

    fn is_asked_by(&self, packet: &Packet<'_>) -> bool {
        let kind = if self.family == Family::V4 { TYPE::A } else { TYPE::AAAA };
        let [asked] = packet.questions.as_slice() else { return false };
        asked.qtype == QTYPE::TYPE(kind)
            && asked.qclass == QCLASS::CLASS(CLASS::IN)
            && text(&asked.qname).eq_ignore_ascii_case(&self.name)
    }

    fn follow(&self, records: &[ResourceRecord<'_>]) -> Answer {
        let records = &records[..records.len().min(RECORDS_MAX)];
        let of = |name: &str| {
            let name = name.to_owned();
            records.iter().filter(move |r| r.class == CLASS::IN && text(&r.name).eq_ignore_ascii_case(&name))
        };
        let mut name = self.name.clone();
        for _ in 0..=ALIASES_MAX {
            let addrs = of(&name).filter_map(|record| match (&record.rdata, self.family) {
                (RData::A(a), Family::V4) => Some(IpAddr::from(a.address.to_be_bytes())),
                (RData::AAAA(a), Family::V6) => Some(IpAddr::from(a.address.to_be_bytes())),
                _ => None,
            });
            let addrs: Vec<IpAddr> = addrs.take(ADDRESSES_MAX).collect();
            if !addrs.is_empty() {
                return Answer::Addrs(addrs);
            }
            let alias = of(&name).find_map(|record| match &record.rdata {
                RData::CNAME(alias) => Some(text(&alias.0)),
                _ => None,
            });
            match alias {
                Some(alias) => name = alias,
                None if name == self.name => return Answer::Addrs(Vec::new()),
                None => return Answer::Alias(name),
            }
        }
        Answer::Failed("the name's aliases lead nowhere")
    }
}

fn text(name: &Name<'_>) -> String {
    name.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::rdata::{A, AAAA, CNAME};

    fn ask(name: &str, family: Family) -> Question {
        Question::new(0x1234, name, family).unwrap()
    }

    /// An answer to a question with these records, each of a name.
    fn reply(question: &Question, records: Vec<(&'static str, RData<'static>)>) -> Vec<u8> {
        let bytes = question.packet();
        let mut packet = Packet::parse(&bytes).unwrap().into_reply();
        packet.set_flags(PacketFlag::RESPONSE);
        let records = records.into_iter();
        packet
            .answers
            .extend(records.map(|(name, data)| ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 60, data)));
        packet.build_bytes_vec_compressed().unwrap()
    }

    fn a(last: u8) -> RData<'static> {
        RData::A(A { address: u32::from_be_bytes([198, 18, 0, last]) })
    }

    fn alias(to: &'static str) -> RData<'static> {
        RData::CNAME(CNAME(Name::new_unchecked(to)))
    }

    #[test]
    fn a_question_is_what_rfc_1035_says() {
        let packet = ask("Tracker.Example.", Family::V4).packet();
        let head = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(packet, [&head[..], b"\x07tracker\x07example\x00\x00\x01\x00\x01"].concat());
        assert_eq!(ask("a.b", Family::V6).packet()[16..], [0, 0, 28, 0, 1]);
        for bad in ["", ".", "a..b", "a b", "ä.example", &"x".repeat(64), &"abc.".repeat(70)] {
            assert_eq!(Question::new(1, bad, Family::V4), None, "{bad}");
        }
    }

    #[test]
    fn addresses_of_the_name_and_of_its_aliases_are_taken_and_no_others() {
        let question = ask("t.example", Family::V4);
        let told = |records| question.answer(&reply(&question, records));
        let of = |last: &[u8]| Answer::Addrs(last.iter().map(|n| [198, 18, 0, *n].into()).collect());
        assert_eq!(told(vec![("t.example", a(1)), ("T.Example", a(2)), ("other.example", a(3))]), of(&[1, 2]));
        let v6 = RData::AAAA(AAAA { address: 1 });
        assert_eq!(told(vec![("t.example", v6)]), of(&[]), "of the family that was asked for");
        assert_eq!(told(vec![("x.example", a(9)), ("y.example", a(4)), ("t.example", alias("y.example"))]), of(&[4]));
        assert_eq!(told(vec![("t.example", alias("y.example"))]), Answer::Alias("y.example".into()));
        assert_eq!(told(Vec::new()), of(&[]));
        let circle = vec![("t.example", alias("y.example")), ("y.example", alias("t.example"))];
        assert!(matches!(told(circle), Answer::Failed(_) | Answer::Alias(_)));
        assert_eq!(told((0..100).map(|n| ("t.example", a(n))).collect()), of(&(0..16).collect::<Vec<_>>()));
    }

    #[test]
    fn what_is_no_answer_to_this_question_is_passed_over() {
        let question = ask("t.example", Family::V4);
        let good = reply(&question, vec![("t.example", a(1))]);
        let other = |name: &str, id, family| Question::new(id, name, family).unwrap();
        assert_eq!(other("t.example", 0x1235, Family::V4).answer(&good), Answer::Other);
        assert_eq!(other("u.example", 0x1234, Family::V4).answer(&good), Answer::Other);
        assert_eq!(other("t.example", 0x1234, Family::V6).answer(&good), Answer::Other);
        assert_eq!(question.answer(&question.packet()), Answer::Other, "a question is no answer");
        for len in 0..good.len() {
            assert!(!matches!(question.answer(&good[..len]), Answer::Addrs(_) | Answer::Alias(_)), "{len}");
        }
        // A pointer that leads to itself.
        let mut looped = good.clone();
        let at = looped.len() - 16;
        looped[at..at + 2].copy_from_slice(&[0xc0, at as u8]);
        assert!(!matches!(question.answer(&looped), Answer::Addrs(addrs) if !addrs.is_empty()));
    }

    #[test]
    fn servers_that_cannot_say_and_answers_that_do_not_fit_are_told_apart() {
        let question = ask("t.example", Family::V4);
        let with = |flags: u8, code: u8| {
            let mut bytes = reply(&question, Vec::new());
            (bytes[2], bytes[3]) = (bytes[2] | flags, bytes[3] & 0xf0 | code);
            question.answer(&bytes)
        };
        assert_eq!(with(0x02, 0), Answer::Truncated);
        assert_eq!(with(0, 3), Answer::Addrs(Vec::new()));
        assert!(matches!(with(0, 2), Answer::Failed(_)) && matches!(with(0, 5), Answer::Failed(_)));
        let cut = [0x12, 0x34, 0x82, 0, 0, 1];
        assert_eq!(question.answer(&cut), Answer::Truncated, "cut off within");
        assert!(matches!(question.answer(&[0x12, 0x34, 0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0]), Answer::Failed(_)));
    }
}
