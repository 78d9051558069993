//! Progress bars on a terminal, timings per phase with `-v`, silence otherwise.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use report::escape::visible;
use scan::{Phase, Progress};

/// What a person sees of a running scan.
pub struct Bars {
    bar: ProgressBar,
    timings: bool,
    ahead: AtomicU64,
    started: Mutex<Option<Instant>>,
    spent: Mutex<Vec<(Phase, Duration)>>,
}

impl Bars {
    /// Bars where somebody looks at a terminal, timings where somebody asked.
    pub fn new(visible: bool, timings: bool) -> Bars {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template("{prefix:>16} {wide_bar} {bytes}/{total_bytes} {eta:>4}\n{wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bars { bar, timings, ahead: AtomicU64::new(0), started: Mutex::default(), spent: Mutex::default() }
    }

    /// Takes the bar away, and tells the timings.
    #[allow(clippy::print_stderr)]
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        if self.timings {
            for (phase, time) in self.spent.lock().unwrap_or_else(|it| it.into_inner()).iter() {
                eprintln!("{:>16} {:8.3} s", phase.title(), time.as_secs_f64());
            }
        }
    }
}

impl Progress for Bars {
    fn begin(&self, phase: Phase) {
        *self.started.lock().unwrap_or_else(|it| it.into_inner()) = Some(Instant::now());
        self.bar.set_prefix(phase.title());
    }

    fn ahead(&self, bytes: u64) {
        let ahead = self.ahead.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bar.set_length(ahead);
    }

    fn done(&self, bytes: u64, name: &str) {
        self.bar.inc(bytes);
        if !self.bar.is_hidden() {
            self.bar.set_message(visible(name).into_owned());
        }
    }

    fn end(&self, phase: Phase) {
        if let Some(started) = self.started.lock().unwrap_or_else(|it| it.into_inner()).take() {
            self.spent.lock().unwrap_or_else(|it| it.into_inner()).push((phase, started.elapsed()));
        }
    }
}
