//! The results as Markdown and as a chart.

use std::fmt::Write;

use plotters::prelude::*;

use crate::ours::Outcome;
use crate::plan::{Better, Measurement, Metric};

/// All samples: by measurement, metric and client.
pub(crate) struct Results<'a> {
    pub(crate) clients: Vec<&'static str>,
    pub(crate) rows: Vec<Row<'a>>,
    /// What it was measured on and with, a line each.
    pub(crate) conditions: Vec<String>,
}

/// One number of one measurement, for every client.
pub(crate) struct Row<'a> {
    pub(crate) measurement: &'a Measurement,
    pub(crate) metric: &'a Metric,
    /// By client; empty where it cannot be measured.
    pub(crate) samples: Vec<Vec<f64>>,
}

/// The median and the ends of some samples.
struct Summary {
    median: f64,
    low: f64,
    high: f64,
}

fn summary(samples: &[f64]) -> Option<Summary> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let median = if sorted.len() % 2 == 1 { upper } else { (sorted[middle - 1] + upper) / 2.0 };
    Some(Summary { median, low: *sorted.first()?, high: *sorted.last()? })
}

impl Results<'_> {
    /// A table with medians and, in brackets, the lowest and the highest sample; the best is bold.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Comparison with other clients\n\n");
        for condition in &self.conditions {
            let _ = writeln!(text, "- {condition}");
        }
        text.push_str(
            "\nMedians, with the lowest and the highest sample in brackets. The best median is bold.\n",
        );
        let mut title = "";
        for row in &self.rows {
            if row.measurement.title != title {
                title = &row.measurement.title;
                let _ = writeln!(text, "\n## {}{}\n", title[..1].to_uppercase(), &title[1..]);
                let clients: Vec<_> = row.measured().map(|index| self.clients[index]).collect();
                let _ = writeln!(text, "| | {} |", clients.join(" | "));
                let _ = writeln!(text, "| --- |{}", " ---: |".repeat(clients.len()));
            }
            let best = row.best();
            let _ = write!(text, "| {} |", [row.metric.name, row.metric.unit].join(" ").trim_end());
            for Summary { median, low, high } in row.samples.iter().filter_map(|samples| summary(samples)) {
                let digits = row.metric.digits;
                let mark = if Some(median) == best { "**" } else { "" };
                let _ = write!(text, " {mark}{median:.digits$}{mark} [{low:.digits$}–{high:.digits$}] |");
            }
            text.push('\n');
        }
        text
    }

    /// The same as bars.
    pub(crate) fn svg(&self) -> Outcome<String> {
        const COLUMNS: usize = 2;
        let height = HEAD + ROW * self.clients.len() as i32 + GAP;
        let lines = self.rows.len().div_ceil(COLUMNS) as i32;
        let foot = ROW * self.conditions.len() as i32 + GAP;
        let mut svg = String::new();
        {
            let size = ((WIDTH * COLUMNS as i32) as u32, (height * lines + foot) as u32);
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            area.fill(&WHITE)?;
            for (index, row) in self.rows.iter().enumerate() {
                let (x, y) = ((index % COLUMNS) as i32 * WIDTH, (index / COLUMNS) as i32 * height);
                self.draw(&area, row, (x + GAP, y + GAP))?;
            }
            for (line, condition) in self.conditions.iter().enumerate() {
                let style = ("sans-serif", 11).into_font().color(&GREY);
                area.draw(&Text::new(
                    condition.replace('`', ""),
                    (GAP, height * lines + line as i32 * ROW + 2),
                    style,
                ))?;
            }
            area.present()?;
        }
        Ok(svg)
    }

    fn draw<B>(
        &self,
        area: &DrawingArea<B, plotters::coord::Shift>,
        row: &Row<'_>,
        (x, y): (i32, i32),
    ) -> Outcome<()>
    where
        B: DrawingBackend,
        B::ErrorType: Send + Sync + 'static,
    {
        let better = if row.metric.better == Better::Less { "less is better" } else { "more is better" };
        let unit = if row.metric.unit.is_empty() { String::new() } else { format!(", {}", row.metric.unit) };
        let title = row.measurement.title.replace('`', "");
        let heading = ("sans-serif", 12).into_font().style(FontStyle::Bold).color(&BLACK);
        area.draw(&Text::new(title, (x, y), heading))?;
        let subtitle = format!("{}{unit} ({better})", row.metric.name);
        area.draw(&Text::new(subtitle, (x, y + 16), ("sans-serif", 11).into_font().color(&GREY)))?;

        let summaries: Vec<_> = row.samples.iter().map(|samples| summary(samples)).collect();
        let longest =
            summaries.iter().flatten().map(|summary| summary.high).fold(f64::MIN_POSITIVE, f64::max);
        let scale = |value: f64| x + LABEL + (value / longest * f64::from(BAR)) as i32;
        let measured = self.clients.iter().zip(&summaries);
        let measured = measured.filter_map(|(client, summary)| Some((client, summary.as_ref()?)));
        for (line, (client, Summary { median, low, high })) in measured.enumerate() {
            let top = y + HEAD - GAP + line as i32 * ROW;
            let text = ("sans-serif", 11).into_font().color(&BLACK);
            area.draw(&Text::new(*client, (x, top + 2), text.clone()))?;
            let color = if line == 0 { OURS } else { THEIRS };
            let bar = [(x + LABEL, top), (scale(*median), top + ROW - 5)];
            area.draw(&Rectangle::new(bar, color.filled()))?;
            let middle = top + (ROW - 5) / 2;
            area.draw(&PathElement::new([(scale(*low), middle), (scale(*high), middle)], BLACK))?;
            let label = format!("{median:.*}", row.metric.digits);
            area.draw(&Text::new(label, (scale(*high) + 6, top + 2), text))?;
        }
        Ok(())
    }
}

impl Row<'_> {
    /// The clients it was measured with.
    fn measured(&self) -> impl Iterator<Item = usize> {
        (0..self.samples.len()).filter(|&index| !self.samples[index].is_empty())
    }

    fn best(&self) -> Option<f64> {
        let medians =
            self.samples.iter().filter_map(|samples| summary(samples)).map(|summary| summary.median);
        match self.metric.better {
            Better::Less => medians.min_by(f64::total_cmp),
            Better::More => medians.max_by(f64::total_cmp),
        }
    }
}

// In pixels.
const WIDTH: i32 = 480;
const HEAD: i32 = 52;
const ROW: i32 = 18;
const GAP: i32 = 14;
const LABEL: i32 = 110;
const BAR: i32 = 280;

const OURS: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const THEIRS: RGBColor = RGBColor(0xb8, 0xbe, 0xc6);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let of =
            |samples: &[f64]| summary(samples).map(|summary| (summary.low, summary.median, summary.high));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0]), Some((3.0, 3.0, 3.0)));
        assert_eq!(of(&[3.0, 1.0]), Some((1.0, 2.0, 3.0)));
        assert_eq!(of(&[9.0, 1.0, 2.0]), Some((1.0, 2.0, 9.0)));
    }
}
