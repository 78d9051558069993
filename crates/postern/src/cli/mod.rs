//! The command line: what it understands, and what its exit codes mean.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | nothing of grade FINDING, no SUSPICION of medium or more; of a comparison: the same in what matters |
//! | 1 | findings; of a comparison: it differs in what matters |
//! | 2 | could not run: wrong use, an unreadable path, a full disk |
//! | 3 | cannot say |

mod attest;
mod cache;
mod cat;
mod check;
mod compare;
mod dis;
mod explain;
mod extract;
mod feeds;
mod flows;
mod gates;
mod knowledge;
mod look;
mod ls;
mod policy;
mod progress;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use model::Store;
use report::escape::visible;

/// Is there a backdoor in this phone, who can open it, and where does it lead?
///
/// postern reads a phone as it comes: a firmware package, images, an unpacked dump, a folder of apps. It works offline,
/// unpacks nothing to disk, runs nothing of what it reads, and says as plainly what it could not look at.
#[derive(Parser)]
#[command(name = "postern", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  postern check rom.tgz                             the verdict about a firmware package
  postern check super.img boot.img vbmeta.img       files that belong to one phone
  postern check dump/ --html report.html            an unpacked phone, with a report to read or print
  postern compare shop/ gift/                       what one phone has and the other has not
  postern ls rom.tgz                                what is inside
  postern cat rom.tgz '!/system/build.prop'         one file of it
  postern gates dump/                               where someone can come in, and where it leads

Exit codes: 0 nothing found, 1 findings, 2 could not run, 3 cannot say.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every command understands.
#[derive(Args)]
struct Common {
    /// Number of threads; the result is the same with any [default: one per core]
    #[arg(long, global = true, value_name = "N", help_heading = "Common options")]
    threads: Option<usize>,

    /// Memory for decoded data; more goes to an unnamed temporary file
    #[arg(long, global = true, value_name = "SIZE", default_value = "1G", value_parser = size_of, help_heading = "Common options")]
    max_memory: u64,

    /// Folder for temporary files [default: the system's]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Common options")]
    temp_dir: Option<PathBuf>,

    /// No progress bars, no remarks
    #[arg(short, long, global = true, help_heading = "Common options")]
    quiet: bool,

    /// Say how long each phase took; -vv: every gap
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Common options")]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Compare(compare::Compare),
    Ls(ls::Ls),
    Cat(cat::Cat),
    Extract(extract::Extract),
    Explain(explain::Explain),
    Attest(attest::Attest),
    Flows(flows::Flows),
    Gates(gates::Gates),
    Policy(policy::Policy),
    Dis(dis::Dis),
    Knowledge(knowledge::KnowledgeCommand),
    /// Write the completions for a shell to standard output
    #[command(after_help = "Example:\n  postern completions bash > ~/.local/share/bash-completion/completions/postern")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual page to standard output
    #[command(after_help = "Example:\n  postern man > postern.1 && man ./postern.1")]
    Man,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Some(threads) = cli.common.threads {
        // Fails only if a pool exists already, and none does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let result = match cli.command {
        Command::Check(it) => it.run(&cli.common),
        Command::Compare(it) => it.run(&cli.common),
        Command::Explain(it) => it.run(&cli.common),
        Command::Attest(it) => it.run(&cli.common),
        Command::Flows(it) => it.run(&cli.common),
        Command::Gates(it) => it.run(&cli.common),
        Command::Policy(it) => it.run(&cli.common),
        Command::Dis(it) => it.run(&cli.common),
        Command::Knowledge(it) => it.run(&cli.common),
        Command::Ls(it) => it.run(&cli.common),
        Command::Cat(it) => it.run(&cli.common),
        Command::Extract(it) => it.run(&cli.common),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "postern", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => man().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        complain(&format!("{error:#}"));
        ExitCode::from(2)
    })
}

impl Common {
    fn store(&self) -> Store {
        Store::new(self.max_memory, self.temp_dir.clone().unwrap_or_else(std::env::temp_dir))
    }

    fn progress(&self) -> progress::Bars {
        progress::Bars::new(!self.quiet && io::stderr().is_terminal(), 0 < self.verbose && !self.quiet)
    }
}

/// The manual: the command's page, then one for each of its commands.
fn man() -> anyhow::Result<()> {
    let command = Cli::command();
    let mut out = io::stdout().lock();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    for sub in command.get_subcommands() {
        let name = format!("postern-{}", sub.get_name());
        clap_mangen::Man::new(sub.clone().name(name)).render(&mut out)?;
    }
    Ok(())
}

/// Writes to standard error what went wrong.
#[allow(clippy::print_stderr)]
fn complain(message: &str) {
    eprintln!("postern: {}", visible(message));
}

/// Whether the reader of our output went away (`postern ls … | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|it| it.downcast_ref::<io::Error>()).any(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

/// `512M`, `2G`, `1048576`.
fn size_of(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        other => return Err(format!("unknown unit \"{other}\"; use K, M, G or T")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("\"{digits}\" is no number"))?;
    let bytes = number.checked_shl(shift).filter(|it| it >> shift == number).ok_or("too large")?;
    if bytes < MEMORY_MIN {
        return Err("at least 64M are needed".to_owned());
    }
    Ok(bytes)
}

/// Two decoded pieces of the largest size must fit.
const MEMORY_MIN: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(size_of("512M"), Ok(512 << 20));
        assert_eq!(size_of("2GiB"), Ok(2 << 30));
        assert!(size_of("1K").is_err());
        assert!(size_of("99999999999T").is_err());
        assert!(size_of("1Q").is_err());
    }
}
