//! Options to plans as a whole, against what k6 1.1 was observed to do with the same options.

mod describing;
mod layers;
mod printing;
mod scenarios;
mod validation;

use serde_json::Value;
use throng_plan::{Level, Options, Plan, PlanError, Warning, merge};

/// The plan that a script with these options gets.
fn plan(options: &Value) -> Result<(Plan, Vec<Warning>), PlanError> {
    let (options, mut warnings) = Options::from_script(options)?;
    let (plan, more) = Plan::new(&merge([(Level::Script, options)]).options)?;
    warnings.extend(more);
    Ok((plan, warnings))
}

/// The plan of options that are expected to be right, without warnings.
fn valid(options: &Value) -> Plan {
    let (plan, warnings) = plan(options).unwrap_or_else(|error| panic!("{options}: {error}"));
    assert_eq!(warnings, [], "{options}");
    plan
}

/// Where the problems of wrong options are.
fn problems(options: &Value) -> Vec<String> {
    let error = plan(options).map(|_| ()).expect_err(&options.to_string());
    error.problems.iter().map(|problem| problem.path().to_owned()).collect()
}

/// The warnings of options that are otherwise right.
fn warnings(options: &Value) -> Vec<String> {
    let (_, warnings) = plan(options).unwrap_or_else(|error| panic!("{options}: {error}"));
    warnings.iter().map(ToString::to_string).collect()
}

fn seconds(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}
