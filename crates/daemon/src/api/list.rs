//! Windows on the torrents over HTTP (own design): `GET /teem/v1/torrents?select=&sort=&order=&offset=&limit=`.
use crate::answer::{Refused, SELECTORS_MAX, answer, bad, failed, refusal};
use crate::daemon::Daemon;
use crate::listing::{Key, Query};
use crate::select::Selector;
use teem_web::Response;
use teem_web::extract::State;
use teem_web::http::{StatusCode, Uri};

pub(super) async fn list(State(daemon): State<Daemon>, uri: Uri) -> Response {
    let query = match query(&uri) {
        Ok(query) => query,
        Err(refused) => return refusal(&refused),
    };
    match daemon.fresh_window(query).await {
        Ok(window) => answer(StatusCode::OK, &window),
        Err(e) => refusal(&failed(&e)),
    }
}

/// The selectors of a query.
pub(super) fn selected_by(uri: &Uri) -> Vec<Selector> {
    let texts = queried(uri, "select").take(SELECTORS_MAX);
    texts.map(|text| Selector::parse(&text)).collect()
}

fn query(uri: &Uri) -> Result<Query, Refused> {
    let one = |key| queried(uri, key).last();
    let number = |key: &'static str| {
        let number = one(key).map(|text| text.parse::<usize>());
        number.transpose().map_err(|_| bad(format!("`{key}` is to be a number from 0 on")))
    };
    let sort = one("sort").map(|word| {
        let keys: Vec<_> = Key::ALL.iter().map(|key| key.word()).collect();
        Key::parse(&word).ok_or_else(|| bad(format!("`sort` is to be one of {}", keys.join(", "))))
    });
    let descending = match one("order").as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(bad("`order` is to be asc or desc".to_owned())),
    };
    Ok(Query {
        select: selected_by(uri),
        sort: sort.transpose()?.unwrap_or_default(),
        descending,
        offset: number("offset")?.unwrap_or(0),
        limit: number("limit")?,
    })
}

/// The values of a key in a query.
pub(super) fn queried<'a>(uri: &'a Uri, key: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.filter(move |(name, _)| name == key).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Query, String> {
        query(&format!("/teem/v1/torrents?{text}").parse().unwrap()).map_err(|refused| refused.2)
    }

    #[test]
    fn a_query_says_what_order_and_where_from() {
        let query = of("select=label:a%20b&select=all&sort=up_rate&order=desc&offset=10&limit=5").unwrap();
        assert_eq!(query.select, [Selector::parse("label:a b"), Selector::All]);
        assert_eq!((query.sort, query.descending, query.offset, query.limit), (Key::UpRate, true, 10, Some(5)));
        assert_eq!(of(""), Ok(Query::default()));
        assert!(of("sort=colour").unwrap_err().contains("up_rate"));
        assert!(of("offset=-1").is_err() && of("order=up").is_err());
    }
}
