//! Feeds as they come, good ones and hostile ones (rows 62, 65 and 71 of bad input).
use super::*;

fn rss(items: &str) -> Vec<u8> {
    format!("<?xml version='1.0'?><rss version='2.0'><channel><title>x</title>{items}</channel></rss>").into_bytes()
}

fn of(bytes: &[u8]) -> Result<Vec<Item>, ReadError> {
    read(bytes, "http://feed.example/dir/rss").map(|read| read.items)
}

#[track_caller]
fn refused(bytes: &[u8], word: &str) {
    let why = of(bytes).unwrap_err().to_string();
    assert!(why.contains(word) && why.len() < 400, "{why}");
}

#[test]
fn items_of_rss_have_id_link_and_size() {
    let read = read(
        br#"<?xml version="1.0" encoding="UTF-8"?>
        <rss version="2.0" xmlns:torznab="http://torznab.com/schemas/2015/feed"><channel><title>Linux</title><ttl>45</ttl>
        <item><title>A &amp; B</title><guid>g1</guid><link>http://feed.example/page/1</link>
          <enclosure url="http://feed.example/1.torrent?key=x" length="5000000" type="application/x-bittorrent"/>
          <torznab:attr name="seeders" value="3"/></item>
        <item><title>short length</title><guid>g2</guid>
          <enclosure url="http://feed.example/get/2" length="20000" type="application/x-bittorrent"/></item>
        <item><title>magnet</title><link>magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&amp;dn=m</link></item>
        <item><title>page</title><guid>g4</guid><link>https://feed.example/download.php?id=4</link></item>
        <item><title>podcast</title><guid>g5</guid><link>https://feed.example/5</link>
          <enclosure url="http://feed.example/5.mp3" length="7000000" type="audio/mpeg"/></item>
        <item><title>relative</title><guid>g6</guid><link>6.torrent</link></item>
        <item><title>again</title><guid>g1</guid><link>http://feed.example/other.torrent</link></item>
        </channel></rss>"#,
        "http://feed.example/dir/rss",
    )
    .unwrap();
    assert_eq!((read.title.as_str(), read.ttl), ("Linux", Some(Duration::from_secs(2700))));
    let told: Vec<_> =
        read.items.iter().map(|i| (i.title.as_str(), i.id.as_str(), i.link.as_deref(), i.size)).collect();
    let magnet = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567&dn=m";
    assert_eq!(
        told,
        [
            ("A & B", "g1", Some("http://feed.example/1.torrent?key=x"), Some(5_000_000)),
            ("short length", "g2", Some("http://feed.example/get/2"), None),
            ("magnet", magnet, Some(magnet), None),
            ("page", "g4", Some("https://feed.example/download.php?id=4"), None),
            ("podcast", "g5", None, Some(7_000_000)),
            ("relative", "g6", Some("http://feed.example/dir/6.torrent"), None),
        ]
    );
}

#[test]
fn magnet_links_in_the_namespace_of_torrents_are_links() {
    let magnet = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567";
    let items = of(&rss(&format!(
        "<item><title>t</title><guid>g</guid><link>http://feed.example/page</link>\
        <torrent:magnetURI xmlns:torrent='http://xmlns.ezrss.it/0.1/'><![CDATA[{magnet}]]></torrent:magnetURI></item>"
    )));
    assert_eq!(items.unwrap()[0].link.as_deref(), Some(magnet));
}

#[test]
fn what_nobody_needs_harms_nobody() {
    // Each of these alone has the parser below panic.
    let items =
        of(&rss("<item xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><title>t</title><guid>g</guid>\
        <itunes:duration>99999999999999999999999</itunes:duration><author>\u{ff08}abc@example.com</author></item>"));
    assert_eq!(items.unwrap().len(), 1);
}

#[test]
fn items_of_atom_have_their_enclosures() {
    let items = of(br#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id>
        <entry><title>one</title><id>urn:1</id><link href="http://feed.example/1"/>
        <link rel="enclosure" type="application/x-bittorrent" href="http://feed.example/1.t" length="9999999"/></entry>
        </feed>"#)
    .unwrap();
    let one = Item {
        title: "one".into(),
        id: "urn:1".into(),
        link: Some("http://feed.example/1.t".into()),
        size: Some(9_999_999),
    };
    assert_eq!(items, [one]);
}

#[test]
fn row_62_links_of_other_schemes_are_none() {
    let item = |link: &str| rss(&format!("<item><title>t</title><guid>g</guid><link>{link}</link></item>"));
    for link in ["file:///etc/passwd", "/etc/passwd.torrent:", "ftp://x/a.torrent", "data:,x", "unix:/run/x"] {
        let items = of(&item(link)).unwrap();
        assert!(items[0].link.as_deref().is_none_or(|found| found.starts_with("http://feed.example/")), "{items:?}");
    }
}

#[test]
fn row_65_titles_are_text_on_one_line() {
    let items =
        of(&rss("<item><title>a&#10;b\u{202e}c&#x9b;2J<![CDATA[<img onerror=x>]]></title><guid>g</guid></item>"));
    assert_eq!(items.unwrap()[0].title, "a b c 2J<img onerror=x>");
    let long = of(&rss(&format!("<item><title>{}</title><guid>g</guid></item>", "x".repeat(1_000_000))));
    assert_eq!(long.unwrap()[0].title.len(), TITLE_CHARS);
}

#[test]
fn what_is_no_feed_is_said_to_be_none() {
    for text in ["", "no feed", "<html><body>login</body></html>", "{\"version\":\"https://jsonfeed.org/version/1\"}"] {
        refused(text.as_bytes(), "no RSS or Atom");
    }
    refused(b"<rss version='2.0'><channel><item><title>cut off", "broken");
    refused(b"<rss version='2.0'><channel></rss>", "broken");
}

#[test]
fn hostile_feeds_are_refused_whole() {
    refused(&rss(&"<item/>".repeat(100_000)), "more than 10000 items");
    refused(&rss(&"<x:item xmlns:x='http://purl.org/rss/1.0/'/>".repeat(100_000)), "more than 10000 items");
    refused(&rss(&"<a></a>".repeat(300_000)), "more than 200000 elements");
    refused(&rss(&"<a>".repeat(300_000)), "deep in each other");
    refused(&rss(&format!("<a {}/>", "b='' ".repeat(100_000))), "a tag of");
    refused(&rss(&format!("<item xml:base='http://x/{}'/>", "a".repeat(2_000))), "base address");
    let spaces: Vec<String> = (0..200).map(|n| format!("xmlns:a{n}='{n}'")).collect();
    let spaces = spaces.join(" ");
    refused(&rss(&format!("<item {spaces}><b/></item>")), "broken");
}

#[test]
fn entities_of_its_own_are_not_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'><!ENTITY c SYSTEM 'file:///etc/passwd'>]>";
    let feed = format!(
        "<?xml version='1.0'?>{bomb}<rss version='2.0'><channel><item><title>&b;&c;</title><guid>g</guid></item></channel></rss>"
    );
    let items = of(feed.as_bytes()).unwrap();
    assert_eq!(items[0].title, "&b;&c;");
}

#[test]
fn encodings_are_those_that_are_declared_and_bad_bytes_are_said() {
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><rss version='2.0'><channel><item><title>\xe9</title><guid>g</guid></item></channel></rss>";
    assert_eq!(of(latin).unwrap()[0].title, "\u{e9}");
    // Two bytes a letter, with the mark that says so.
    let wide = String::from_utf8(rss("<item><title>é</title><guid>g</guid></item>")).unwrap();
    let wide: Vec<u8> = [0xfe_ff].into_iter().chain(wide.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(of(&wide).unwrap()[0].title, "é");
    let bad = b"<rss version='2.0'><channel><item><title>\xff\xfe\xc3</title><guid>g</guid></item></channel></rss>";
    // Whatever is made of them, it is text.
    assert!(of(bad).map_or(true, |items| !items[0].title.is_empty()));
}

#[test]
fn feeds_that_are_changed_here_and_there_do_no_harm() {
    let good = br#"<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
        xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>t</title><ttl>5</ttl><pubDate>Mon, 30 Nov 2026 24:00:00 GMT</pubDate>
        <item><title>a &amp; b</title><guid>1</guid><author>x y z@example.com</author><link>magnet:?xt=urn:btih:0123</link><itunes:duration>1:02:03.5</itunes:duration>
        <media:group><media:content url="http://x/1.torrent" fileSize="9999999" type="application/x-bittorrent" duration="3.25"/></media:group>
        <enclosure url="http://x/2" length="5" type="application/x-bittorrent"/></item></channel></rss>"#;
    assert_eq!(of(good).unwrap().len(), 1);
    let mut dice: u64 = 1;
    let mut roll = |below: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % below
    };
    let mut read = 0;
    for _ in 0..3_000 {
        let mut bytes = good.to_vec();
        for _ in 0..=roll(4) {
            let at = roll(bytes.len());
            match roll(4) {
                0 => bytes[at] = roll(256) as u8,
                1 => bytes.truncate(at + 1),
                2 => drop(bytes.drain(at..(at + 1 + roll(20)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..),
            }
            bytes.push(b'>');
        }
        read += usize::from(understood(&bytes).is_ok());
    }
    assert!(read > 0, "some are read in spite of it");
}
