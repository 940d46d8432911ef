//! The named values of a metric, as the machine-readable summaries list them.

use serde_json::{Map, Number, Value};
use throng_metrics::Sink;

use crate::trend_stat::TrendStat;

/// A JSON number written as JavaScript would: integers without a fraction, and null for what is no number.
pub(crate) fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// The counts and shares of a metric by name. `rate_name`: what the share of a rate is called.
pub(crate) fn named(sink: &Sink, stats: &[TrendStat], seconds: f64, rate_name: &str) -> Map<String, Value> {
    let mut values = Map::new();
    let mut put = |name: &str, value: f64| values.insert(name.to_owned(), number(value));
    match sink {
        Sink::Counter(sum) => {
            put("count", sum.value());
            put("rate", per_second(sum.value(), seconds));
        }
        Sink::Gauge(gauge) => {
            put("value", gauge.value());
            put("min", gauge.min());
            put("max", gauge.max());
        }
        Sink::Rate(rate) => {
            put(rate_name, rate.rate());
            put("passes", rate.passes as f64);
            put("fails", (rate.total - rate.passes) as f64);
        }
        Sink::Trend(distribution) => {
            for (stat, value) in stats.iter().zip(TrendStat::values(stats, distribution)) {
                put(stat.label(), value);
            }
        }
    }
    values
}

/// The rate of a counter; zero when no time has passed.
pub(crate) fn per_second(count: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { count / seconds } else { 0.0 }
}
