//! Settings: flags beat environment, environment beats file, file beats defaults.
//!
//! Each program declares its settings once, as a `clap` struct. The file's values become the defaults
//! of that declaration, so every source is parsed and bounded by the same rule.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fs};

use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, ValueEnum};

use crate::db::DatabaseUrl;

/// The environment variable that names the file, as `--config` does.
pub const CONFIG_VARIABLE: &str = "MUTUAL_CONFIG";
/// Settings about one call of the program, which no file sets and no print shows.
const META: [&str; 6] = ["config", "print_config", "migrate_only", "healthcheck", "help", "version"];

/// Something that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Switch {
    /// In force.
    #[default]
    On,
    /// Not in force.
    Off,
}

/// Why a program does not start.
#[derive(Debug)]
pub enum Stop {
    /// It was asked for a text: print it and exit with 0.
    Shown(String),
    /// A setting is wrong: one line that says which; exit with 2.
    Refused(String),
}

/// Parses the settings of a program with no subcommands from `args`, the environment and the file.
pub fn load<T: CommandFactory + FromArgMatches>(args: Vec<OsString>) -> Result<T, Stop> {
    let (parsed, _) = load_for(args, None)?;
    Ok(parsed)
}

/// As [`load`]; the file sets defaults of the subcommand called `section`, or of the program itself.
pub fn load_for<T: CommandFactory + FromArgMatches>(
    args: Vec<OsString>,
    section: Option<&str>,
) -> Result<(T, ArgMatches), Stop> {
    let file = read_file(&args)?;
    let command = with_defaults(T::command(), section, &file)?;
    // A URL in the environment or in the file may hold a password: --help names the variable only.
    let command = without_values(command);
    let printed = command.clone();
    let matches = command.try_get_matches_from(args).map_err(|error| stop(&error))?;
    let chosen = section.and_then(|name| matches.subcommand_matches(name)).unwrap_or(&matches);
    if chosen.try_get_one::<bool>("print_config").ok().flatten() == Some(&true) {
        let declared = section.and_then(|name| printed.find_subcommand(name)).unwrap_or(&printed);
        return Err(Stop::Shown(show(declared, chosen)));
    }
    let parsed = T::from_arg_matches(&matches).map_err(|error| stop(&error))?;
    Ok((parsed, matches))
}

/// The same command, whose help shows no value from the environment.
fn without_values(command: Command) -> Command {
    let command = command.mut_args(|arg| arg.hide_env_values(true));
    command.mut_subcommands(without_values)
}

fn stop(error: &clap::Error) -> Stop {
    use clap::error::{ContextKind, ErrorKind};
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::ValueValidation)
        && let Some(argument) = error.get(ContextKind::InvalidArg)
    {
        // The value is not repeated: a mistyped URL may hold a password.
        let reason = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        // What the standard library says of an address helps nobody who has written a name.
        let example =
            if reason.contains("socket address") { ", expected one such as 127.0.0.1:8081" } else { "" };
        return Stop::Refused(format!(
            "error: the value of {argument} is not valid{reason}{example} (see --help)"
        ));
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Who lacks a word wants to know which there are.
        return Stop::Refused(text.trim_end().to_owned());
    }
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Stop::Shown(text);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("error: wrong settings").to_owned();
    // Some errors list what is missing on the next lines.
    let listed: Vec<&str> =
        lines.take_while(|line| line.starts_with("--") || line.starts_with('<')).collect();
    Stop::Refused(format!("{first} {} (see --help)", listed.join(" ")).replace("  ", " "))
}

fn read_file(args: &[OsString]) -> Result<toml::Table, Stop> {
    let Some(path) = file_named(args) else { return Ok(toml::Table::new()) };
    let refused = |error: &dyn std::fmt::Display| {
        let line = error.to_string().replace('\n', " ");
        Stop::Refused(format!("error: the settings in {}: {line}", path.display()))
    };
    let text = fs::read_to_string(&path).map_err(|error| refused(&error))?;
    text.parse().map_err(|error: toml::de::Error| refused(&error.message()))
}

fn file_named(args: &[OsString]) -> Option<PathBuf> {
    let mut flags = args.iter().map(|arg| arg.to_string_lossy());
    while let Some(flag) = flags.next() {
        if flag == "--config" {
            return flags.next().map(|path| PathBuf::from(path.as_ref()));
        }
        if let Some(path) = flag.strip_prefix("--config=") {
            return Some(PathBuf::from(path));
        }
    }
    env::var_os(CONFIG_VARIABLE).map(PathBuf::from)
}

fn with_defaults(command: Command, section: Option<&str>, file: &toml::Table) -> Result<Command, Stop> {
    let declared = section.and_then(|name| command.find_subcommand(name)).unwrap_or(&command);
    let known = |key: &str| declared.get_arguments().any(|arg| arg.get_id() == key) && !META.contains(&key);
    if let Some(unknown) = file.keys().find(|key| !known(&key.replace('-', "_"))) {
        return Err(Stop::Refused(format!("error: the settings file has an unknown setting: {unknown}")));
    }
    let set = |command: Command| {
        file.iter().fold(command, |command, (key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            command.mut_arg(key.replace('-', "_"), |arg| {
                arg.default_value(clap::builder::OsStr::from(text)).hide_default_value(true)
            })
        })
    };
    Ok(match section {
        Some(name) if command.find_subcommand(name).is_some() => command.mut_subcommand(name, set),
        _ => set(command),
    })
}

/// The settings in force, in the form of the file, without passwords.
fn show(declared: &Command, matches: &ArgMatches) -> String {
    let lines = declared.get_arguments().filter(|arg| !META.contains(&arg.get_id().as_str())).map(|arg| {
        let id = arg.get_id().as_str();
        let raw = matches.get_raw(id).and_then(|mut values| values.next());
        match raw.map(|value| value.to_string_lossy().into_owned()) {
            Some(value) => format!("{id} = {}\n", as_toml(&redacted(&value))),
            None => format!("# {id} is not set\n"),
        }
    });
    lines.collect()
}

/// Numbers and switches as such, all else as text: the file takes either.
fn as_toml(value: &str) -> String {
    let plain =
        value.parse::<bool>().is_ok() || value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if plain { value.to_owned() } else { format!("{value:?}") }
}

fn redacted(value: &str) -> String {
    value.parse::<DatabaseUrl>().map_or_else(|_| without_login(value), |url| url.to_string())
}

/// Any other URL without whom it signs in as. What is no URL stays as it is.
fn without_login(value: &str) -> String {
    match value.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (_, host))) => format!("{scheme}://***@{host}"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sample {
        #[arg(long, default_value_t = 1)]
        first_max: u32,
        #[arg(long, default_value = "sqlite://x.db")]
        database_url: DatabaseUrl,
        #[arg(long, default_value = "")]
        mail_url: String,
        #[arg(long, default_value = "127.0.0.1:1")]
        listen: std::net::SocketAddr,
        #[arg(long, default_value = "")]
        mail_from: String,
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long)]
        print_config: bool,
    }

    fn run(file: &str, flags: &[&str]) -> Result<Sample, Stop> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        fs::write(&path, file).unwrap();
        let named = format!("--config={}", path.display());
        let args = ["sample", named.as_str()].iter().chain(flags).map(OsString::from).collect();
        load(args)
    }

    fn refusal(file: &str, flags: &[&str]) -> String {
        match run(file, flags) {
            Err(Stop::Refused(line)) => line,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn flags_beat_the_file_and_the_file_beats_defaults() {
        assert_eq!(run("", &[]).unwrap().first_max, 1);
        assert_eq!(run("first_max = 2", &[]).unwrap().first_max, 2);
        assert_eq!(run("first-max = 2", &["--first-max", "3"]).unwrap().first_max, 3);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (file, flags, part) in [
            ("nonsense = 1", &[][..], "nonsense"),
            ("first_max = \"many\"", &[], "first-max"),
            ("= =", &[], "settings"),
            ("", &["--first-max=x"], "first-max"),
            ("", &["--what"], "--what"),
            ("", &["--listen=localhost:8081"], "such as 127.0.0.1:8081"),
            ("", &["--database-url=postgress://a:s3cret@h/d"], "database-url"),
        ] {
            let line = refusal(file, flags);
            assert!(line.contains(part) && !line.contains('\n') && !line.contains("s3cret"), "{line}");
        }
    }

    #[test]
    fn the_printed_settings_are_a_file_of_the_same_settings() {
        let Err(Stop::Shown(text)) = run("first_max = 7\nmail_from = \"007\"", &["--print-config"]) else {
            panic!("nothing was shown")
        };
        assert!(text.contains("first_max = 7\n") && text.contains("mail_from = \"007\"\n"), "{text}");
        let again = run(&text, &[]).unwrap();
        assert_eq!((again.first_max, again.mail_from.as_str()), (7, "007"));
    }

    #[derive(Debug, Parser)]
    #[command(name = "sample")]
    enum Words {
        /// Manage.
        #[command(subcommand)]
        Admin(AdminWords),
    }

    #[derive(Debug, clap::Subcommand)]
    enum AdminWords {
        Create,
        Role,
    }

    #[test]
    fn a_command_that_lacks_a_word_says_which_there_are() {
        let Err(Stop::Refused(line)) = load::<Words>(["sample", "admin"].map(OsString::from).into()) else {
            panic!("not refused")
        };
        for word in ["Manage", "create", "role", "Usage: sample admin <COMMAND>"] {
            assert!(line.contains(word), "{line}");
        }
    }

    #[test]
    fn the_printed_settings_hide_passwords() {
        for (flag, part) in [("--print-config", "first_max = 1\n"), ("--help", "--first-max")] {
            let file = "database_url = \"postgres://a:s3cret@h/d\"\nmail_url = \"smtp://a:s3cret@@h:25\"\n\
                mail_from = \"M <a@b.io>\"";
            let shown = run(file, &[flag]);
            let Err(Stop::Shown(text)) = shown else { panic!("nothing was shown") };
            assert!(text.contains(part) && !text.contains("s3cret"), "{text}");
        }
    }
}
