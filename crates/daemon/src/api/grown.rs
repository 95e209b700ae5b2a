//! Whether an OpenAPI document only grew since another of the same interface, so that programs that were written for that one go on working.
use serde_json::{Map, Value};

/// Schemas within schemas that are looked into.
const DEPTH_MAX: usize = 16;

/// What a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Programs write it: what is new may be left out.
    Request,
    /// Programs read it: what was always there still is.
    Answer,
}

/// Both documents, and what was found.
struct Compared<'a> {
    old: &'a Value,
    new: &'a Value,
    found: Vec<String>,
}

/// What programs that know the old document would miss or not understand, in sentences; nothing where the new one only has more.
pub(super) fn broken(old: &Value, new: &Value) -> Vec<String> {
    let mut compared = Compared { old, new, found: Vec::new() };
    for (path, methods) in object(&old["paths"]) {
        let Some(now) = new["paths"].get(path) else {
            compared.found.push(format!("the path {path} is gone"));
            continue;
        };
        for (method, operation) in object(methods) {
            let place = format!("{} {path}", method.to_uppercase());
            match now.get(method) {
                Some(now) => compared.operation(&place, operation, now),
                None => compared.found.push(format!("{place} is gone")),
            }
        }
    }
    compared.found
}

impl<'a> Compared<'a> {
    fn operation(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let named = |of: &'a Value| of["parameters"].as_array().into_iter().flatten().map(|one| (name(one), one));
        for (name, parameter) in named(old) {
            let place = format!("{place}: the parameter {name}");
            match named(new).find(|(other, _)| *other == name) {
                Some((_, now)) => self.schema(&place, Use::Request, &parameter["schema"], &now["schema"], 0),
                None => self.found.push(format!("{place} is gone")),
            }
        }
        for (name, parameter) in named(new) {
            let was_needed = named(old).any(|(other, before)| other == name && before["required"] == true);
            if parameter["required"] == true && !was_needed {
                self.found.push(format!("{place}: the parameter {name} is needed and was not"));
            }
        }
        self.contents(&format!("{place}: the body"), Use::Request, &old["requestBody"], &new["requestBody"]);
        for (status, answer) in object(&old["responses"]) {
            let place = format!("{place}: the answer {status}");
            match new["responses"].get(status) {
                Some(now) => self.contents(&place, Use::Answer, answer, now),
                None => self.found.push(format!("{place} is gone")),
            }
        }
    }

    fn contents(&mut self, place: &str, of: Use, old: &'a Value, new: &'a Value) {
        for (kind, content) in object(&old["content"]) {
            match new["content"].get(kind) {
                Some(now) => self.schema(&format!("{place} as {kind}"), of, &content["schema"], &now["schema"], 0),
                None => self.found.push(format!("{place} as {kind} is gone")),
            }
        }
    }

    fn schema(&mut self, place: &str, of: Use, old: &'a Value, new: &'a Value, depth: usize) {
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        if depth > DEPTH_MAX {
            self.found.push(format!("{place} lies too deep to be compared"));
            return;
        }
        for key in ["type", "format", "items", "additionalProperties"] {
            match (old.get(key), new.get(key)) {
                (Some(old), Some(new)) if key == "items" && old.is_object() => {
                    self.schema(&format!("{place}, each of the list"), of, old, new, depth + 1);
                }
                (before, now) if before == now => {}
                (before, now) => {
                    let word = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
                    self.found.push(format!("{place}: its {key} was {} and is {}", word(before), word(now)));
                }
            }
        }
        for value in list(&old["enum"]) {
            if !list(&new["enum"]).contains(value) {
                self.found.push(format!("{place}: the value {value} is gone"));
            }
        }
        for (name, property) in object(&old["properties"]) {
            let place = format!("{place}: the key {name}");
            match new["properties"].get(name) {
                Some(now) => self.schema(&place, of, property, now, depth + 1),
                None => self.found.push(format!("{place} is gone")),
            }
        }
        let (needed, was_needed) = (list(&new["required"]), list(&old["required"]));
        match of {
            Use::Request => {
                for name in needed.iter().filter(|name| !was_needed.contains(name)) {
                    self.found.push(format!("{place}: the key {name} is needed and was not"));
                }
            }
            Use::Answer => {
                for name in was_needed.iter().filter(|name| !needed.contains(name)) {
                    self.found.push(format!("{place}: the key {name} may be missing and was always there"));
                }
            }
        }
    }
}

/// A schema itself, where another place has it.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let of = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    of.unwrap_or(schema)
}

/// Where a parameter stands, and its name.
fn name(parameter: &Value) -> String {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
    format!("{} ({})", text("name"), text("in"))
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "paths": {"/a": {"post": {
                "parameters": [{"name": "n", "in": "query", "required": false, "schema": {"type": "integer"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {
                    "type": "array", "items": {"$ref": "#/components/schemas/Told"}}}}}},
            }}},
            "components": {"schemas": {
                "Ask": {"type": "object", "required": ["x"], "properties": {"x": {"type": "string", "enum": ["p", "q"]}}},
                "Told": {"type": "object", "required": ["y"], "properties": {"y": {"type": ["integer", "null"]}}},
            }},
        })
    }

    /// What is said of a document in which one place is otherwise.
    fn changed(place: &str, value: Value) -> String {
        let mut new = document();
        *new.pointer_mut(place).unwrap() = value;
        broken(&document(), &new).join("; ")
    }

    #[test]
    fn what_is_more_breaks_nothing() {
        let (old, mut new) = (document(), document());
        new["paths"]["/b"] = json!({"get": {}});
        new["paths"]["/a"]["get"] = json!({});
        new["components"]["schemas"]["Ask"]["properties"]["z"] = json!({"type": "string"});
        new["components"]["schemas"]["Told"]["properties"]["z"] = json!({"type": "string"});
        new["components"]["schemas"]["Told"]["required"] = json!(["y", "z"]);
        new["components"]["schemas"]["Ask"]["properties"]["x"]["enum"] = json!(["p", "q", "r"]);
        assert_eq!((broken(&old, &new), broken(&old, &old)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_is_gone_or_otherwise_is_told_with_its_place() {
        let (ask, told) = ("/components/schemas/Ask", "/components/schemas/Told");
        for (place, value, why) in [
            ("/paths".to_owned(), json!({}), "the path /a is gone"),
            ("/paths/~1a".to_owned(), json!({}), "POST /a is gone"),
            ("/paths/~1a/post/responses".to_owned(), json!({}), "the answer 200 is gone"),
            ("/paths/~1a/post/parameters".to_owned(), json!([]), "the parameter n (query) is gone"),
            ("/paths/~1a/post/parameters/0/required".to_owned(), json!(true), "is needed and was not"),
            ("/paths/~1a/post/requestBody".to_owned(), json!({}), "the body as application/json is gone"),
            (format!("{ask}/required"), json!(["x", "z"]), "the key \"z\" is needed and was not"),
            (format!("{ask}/properties/x/enum"), json!(["p"]), "the value \"q\" is gone"),
            (format!("{told}/properties"), json!({}), "the key y is gone"),
            (format!("{told}/required"), json!([]), "the key \"y\" may be missing"),
            (format!("{told}/properties/y/type"), json!("integer"), "its type was [\"integer\",\"null\"]"),
        ] {
            let found = changed(&place, value);
            assert!(found.contains(why), "{place}: {found}");
        }
    }
}
