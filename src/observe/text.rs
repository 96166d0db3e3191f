//! The two texts that Prometheus reads.

/// Content type of OpenMetrics 1.0.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Content type of the older text.
pub const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether an `Accept` header asks for OpenMetrics. Prometheus does; most others read the older text alone.
pub fn wants_open_metrics(accept: &str) -> bool {
    accept.split(',').any(|part| {
        let mut part = part.split(';').map(str::trim);
        part.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"))
            && !part.any(|parameter| parameter.trim_end_matches(['0', '.']).eq_ignore_ascii_case("q="))
    })
}

/// OpenMetrics as the older text: there a counter is declared by the name that its samples have, and the text has
/// no end mark.
pub fn plain(open_metrics: &str) -> String {
    let mut plain = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let kind =
            lines.peek().and_then(|next| next.strip_prefix("# TYPE ")).and_then(|next| next.split_once(' '));
        match (line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')), kind) {
            (Some((name, help)), Some((same, "counter"))) if name == same => {
                lines.next();
                plain.push_str(&format!("# HELP {name}_total {help}\n# TYPE {name}_total counter\n"));
            }
            _ => {
                plain.push_str(line);
                plain.push('\n');
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_for_open_metrics_gets_it() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert!(wants_open_metrics(prometheus));
        for other in ["", "*/*", "text/plain", "text/html,application/openmetrics-text;q=0.0"] {
            assert!(!wants_open_metrics(other), "{other}");
        }
    }

    #[test]
    fn a_counter_is_declared_by_the_name_of_its_samples() {
        let open = "# HELP a_b Some.\n# TYPE a_b counter\na_b_total{x=\"# EOF\"} 1\n# HELP g Some.\n# TYPE g gauge\n\
                    g 1\n# EOF\n";
        let expected = "# HELP a_b_total Some.\n# TYPE a_b_total counter\na_b_total{x=\"# EOF\"} 1\n\
                        # HELP g Some.\n# TYPE g gauge\ng 1\n";
        assert_eq!(plain(open), expected);
    }
}
