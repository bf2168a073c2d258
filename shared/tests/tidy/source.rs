//! The files of the workspace, and as much of Rust's and SQL's lexis as the rules need.

use std::fs;
use std::path::Path;

/// Directories that are no sources: other programs write them.
const NOT_SOURCES: [&str; 3] = [".git", "target", "data"];
/// What begins an item that only tests are built with.
const TEST_ATTRIBUTES: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];

/// One file. `code` and `product` are empty unless it is Rust, and have the lines of `text`.
pub struct Source {
    /// Relative to the workspace, with slashes.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Without comments and the insides of literals.
    pub code: String,
    /// Of `code`, what is built without tests.
    pub product: String,
}

/// Reads every file of the workspace.
pub fn workspace() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    walk(&root, "", &mut files);
    let sources = parse(files);
    for known in ["Cargo.toml", "shared/src/lib.rs", "shared/tests/tidy/source.rs"] {
        assert!(sources.iter().any(|source| source.path == known), "the walk missed {known}");
    }
    sources
}

/// Made-up files, for the self-checks.
pub fn sample(files: &[(&str, &str)]) -> Vec<Source> {
    parse(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).expect("a directory of the workspace") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() && !NOT_SOURCES.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            // A file may vanish between the listing and the look, where people work.
            let bytes = fs::read(entry.path()).unwrap_or_default();
            files.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

fn parse(mut files: Vec<(String, String)>) -> Vec<Source> {
    files.sort();
    let mut sources: Vec<Source> = files
        .into_iter()
        .map(|(path, text)| {
            let code = if is_rust(&path) { code_of(&text) } else { String::new() };
            Source { path, text, code, product: String::new() }
        })
        .collect();
    let test_modules: Vec<String> = sources.iter().flat_map(test_modules_of).collect();
    for source in &mut sources {
        let is_test = source.path.split('/').any(|part| ["tests", "tests.rs"].contains(&part))
            || source.code.contains("#![cfg(test)]")
            || test_modules.iter().any(|module| {
                source
                    .path
                    .strip_prefix(module.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
        source.product =
            if is_test { String::new() } else { blank_items(&source.code, &test_items(&source.code)) };
    }
    sources
}

/// Whether the path is that of Rust source.
pub fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// Whether a character may stand inside a name.
pub fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The places of `word` in `code` where it stands alone, as offsets.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| !code[..at].ends_with(in_name) && !code[at + word.len()..].starts_with(in_name))
}

/// The name that `text` begins with; empty if there is none.
pub fn leading_name(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c| !in_name(c)).unwrap_or(text.len())]
}

/// The offset just past the bracket that closes the one at `open`.
pub fn past_closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at + c.len_utf8();
        }
    }
    code.len()
}

/// `path:line`, for an offset in any of the texts.
pub fn place(path: &str, text: &str, at: usize) -> String {
    format!("{path}:{}", text[..at].matches('\n').count() + 1)
}

/// The spans of the items that only tests are built with, attribute included.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let starts = TEST_ATTRIBUTES.iter().flat_map(|attribute| code.match_indices(attribute));
    starts.map(|(start, _)| (start, item_end(code, start))).collect()
}

/// Where the item ends whose first attribute begins at `start`: at its semicolon or its last brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(found) = code[at..].find(['(', '[', '{', '}', ';']) {
        at += found;
        match &code[at..=at] {
            ";" => return at + 1,
            "{" => return past_closing(code, at),
            "}" => return at,
            _ => at = past_closing(code, at),
        }
    }
    code.len()
}

fn blank_items(code: &str, spans: &[(usize, usize)]) -> String {
    let blank = |(at, c): (usize, char)| {
        let inside = spans.iter().any(|&(start, end)| (start..end).contains(&at));
        if inside && c != '\n' { " ".repeat(c.len_utf8()) } else { c.to_string() }
    };
    code.char_indices().map(blank).collect()
}

/// Paths, without ending, of the modules that the file declares for tests only.
fn test_modules_of(source: &Source) -> Vec<String> {
    let stem = source.path.strip_suffix(".rs").unwrap_or_default();
    let parent = stem.rsplit_once('/').map_or("", |(parent, _)| parent);
    let own_dir = ["/mod", "/lib", "/main"].iter().find_map(|name| stem.strip_suffix(name)).unwrap_or(stem);
    let declared = |(start, end): (usize, usize)| {
        let item = &source.code[start..end];
        let at = words(item, "mod").next().filter(|_| item.ends_with(';'))?;
        // Literals are blank in the code, and stand at the same place in the text.
        let path = item[..at].find("#[path").and_then(|path| source.text[start + path..].split('"').nth(1));
        Some(match path {
            Some(path) => format!("{parent}/{}", path.trim_end_matches(".rs")),
            None => format!("{own_dir}/{}", leading_name(&item[at + "mod".len()..])),
        })
    };
    test_items(&source.code).into_iter().filter_map(declared).collect()
}

/// The text with spaces for comments and the insides of literals, so that offsets and lines stay.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_len(rest, code.chars().next_back());
        if hidden == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (span, after) = rest.split_at(hidden);
        code.extend(span.chars().map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }));
        rest = after;
    }
    code
}

/// The length of the comment or literal that `rest` begins with; 0 if it is something else.
fn hidden_len(rest: &str, before: Option<char>) -> usize {
    let after =
        |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    if rest.starts_with('"') {
        return quoted_len(rest, '"');
    }
    if let Some(char_literal) = rest.strip_prefix('\'') {
        let is_char = char_literal.starts_with('\\') || char_literal.chars().nth(1) == Some('\'');
        return if is_char { quoted_len(rest, '\'') } else { 0 };
    }
    let raw = rest.trim_start_matches(['b', 'c']);
    if rest.len() - raw.len() <= 1 && raw.starts_with('r') && !before.is_some_and(in_name) {
        let hashes = raw[1..].len() - raw[1..].trim_start_matches('#').len();
        let open = rest.len() - raw.len() + 1 + hashes;
        if rest[open..].starts_with('"') {
            return after(open + 1, &format!("\"{}", "#".repeat(hashes)));
        }
    }
    0
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// How many statements an SQL text holds. Knows comments, strings and quoted names; not dollar quotes
/// or bodies of triggers, which portable migrations do without.
pub fn sql_statements(text: &str) -> usize {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment_len(rest),
            '\'' | '"' => {
                bare.push(first);
                rest[1..].find(first).map_or(rest.len(), |at| at + 2)
            }
            _ => {
                bare.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    bare.split(';').filter(|statement| !statement.trim().is_empty()).count()
}
