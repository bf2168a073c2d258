//! Which modules of its own crate a file names.

use crate::source::{leading_name, past_closing, words};
use crate::{BESIDE_LAYERS, LAYERS};

/// The modules of the crate that the code of `path` names, with the offset of each.
pub fn crate_modules<'a>(path: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    // `src/store/edge.rs` is two below the root; `mod.rs` is its directory.
    let depth = path.trim_end_matches("/mod.rs").split('/').count() - 2;
    let from_root = words(code, "crate").map(|at| (at, at + "crate".len()));
    let from_super = words(code, "super").filter_map(|at| {
        let chain = code[at..].split("::").take_while(|part| *part == "super").count();
        let is_first = !code[..at].ends_with("super::");
        (is_first && chain >= depth).then(|| (at, at + chain * "super::".len() - "::".len()))
    });
    let of_super = from_super.flat_map(|(at, end)| {
        let known = |name: &&str| LAYERS.contains(name) || BESIDE_LAYERS.contains(name);
        next_modules(&code[end..]).into_iter().filter(known).map(move |name| (at, name))
    });
    let of_root =
        from_root.flat_map(|(at, end)| next_modules(&code[end..]).into_iter().map(move |name| (at, name)));
    of_root.chain(of_super).collect()
}

/// The first names after `::`: one, or those of a group.
fn next_modules(rest: &str) -> Vec<&str> {
    let Some(rest) = rest.strip_prefix("::") else { return Vec::new() };
    if !rest.starts_with('{') {
        return vec![leading_name(rest)];
    }
    let group = &rest[..past_closing(rest, 0)];
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 1 && (c == '{' || c == ',') {
            names.push(leading_name(&group[at + 1..]));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
