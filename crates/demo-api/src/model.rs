//! An employee, and the rules a request body has to keep to describe one.

use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// Longest text a column takes; a longer one is refused rather than cut.
const MAX_TEXT: usize = 200;

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Employee {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) department: String,
    pub(crate) position: String,
    pub(crate) salary: f64,
}

/// The columns of one row without its id: what `POST` needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewEmployee {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) department: String,
    pub(crate) position: String,
    pub(crate) salary: f64,
}

impl NewEmployee {
    /// The `n`-th (from 0) of the rows that are there before the first request.
    pub(crate) fn seeded(n: u32) -> Self {
        const DEPARTMENTS: [&str; 5] = ["Engineering", "Finance", "Operations", "People", "Sales"];
        const POSITIONS: [&str; 4] = ["Analyst", "Engineer", "Manager", "Specialist"];
        Self {
            name: format!("Employee {}", n + 1),
            email: format!("employee{}@example.com", n + 1),
            department: DEPARTMENTS[n as usize % DEPARTMENTS.len()].to_owned(),
            position: POSITIONS[n as usize % POSITIONS.len()].to_owned(),
            salary: 40_000.0 + f64::from(n * 137 % 40_000),
        }
    }
}

/// A request body: every field optional, none unknown. `POST` and `PUT` differ in what is required.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) position: Option<String>,
    pub(crate) salary: Option<f64>,
}

impl Fields {
    /// Reads and validates a body. The content type is not looked at: scripts often forget it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let mut fields: Self = serde_json::from_slice(body)
            .map_err(|error| ApiError::BadRequest(format!("the body is not an employee: {error}")))?;
        for (column, value) in [
            ("name", &mut fields.name),
            ("email", &mut fields.email),
            ("department", &mut fields.department),
            ("position", &mut fields.position),
        ] {
            let Some(text) = value else { continue };
            *text = text.trim().to_owned();
            if text.is_empty() {
                return Err(ApiError::BadRequest(format!("{column} must not be empty")));
            }
            if text.chars().count() > MAX_TEXT {
                return Err(ApiError::BadRequest(format!("{column} is longer than {MAX_TEXT} characters")));
            }
        }
        if let Some(email) = &fields.email
            && !is_email(email)
        {
            return Err(ApiError::BadRequest(format!("email is not an address: {email}")));
        }
        if fields.salary.is_some_and(|salary| salary < 0.0) {
            return Err(ApiError::BadRequest("salary must not be negative".to_owned()));
        }
        Ok(fields)
    }

    /// A whole new row: name and email are required, the rest has defaults.
    pub(crate) fn into_new(self) -> Result<NewEmployee, ApiError> {
        let required = |value: Option<String>, column: &str| {
            value.ok_or_else(|| ApiError::BadRequest(format!("{column} is required")))
        };
        Ok(NewEmployee {
            name: required(self.name, "name")?,
            email: required(self.email, "email")?,
            department: self.department.unwrap_or_else(|| "General".to_owned()),
            position: self.position.unwrap_or_else(|| "Employee".to_owned()),
            salary: self.salary.unwrap_or(0.0),
        })
    }
}

/// Something, an at sign, a host with nothing odd in it. Deliverability is not this API's business.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !text.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    pub(crate) page: u32,
    /// 1 to [`Page::MAX_PER_PAGE`].
    pub(crate) per_page: u32,
}

impl Page {
    pub(crate) const MAX_PER_PAGE: u32 = 100;

    /// Validates the query parameters as they came.
    pub(crate) fn parse(page: Option<&str>, per_page: Option<&str>) -> Result<Self, ApiError> {
        let number = |text: Option<&str>, name: &str, default: u32, max: u32| match text {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|n| (1..=max).contains(n)).ok_or_else(|| {
                ApiError::BadRequest(format!("{name} must be a whole number from 1 to {max}, not {text:?}"))
            }),
        };
        Ok(Self {
            page: number(page, "page", 1, u32::MAX)?,
            per_page: number(per_page, "per_page", 10, Self::MAX_PER_PAGE)?,
        })
    }

    pub(crate) fn offset(self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.per_page)
    }
}

/// Employees and mean salary of one department.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct DepartmentStats {
    pub(crate) department: String,
    pub(crate) employees: i64,
    pub(crate) average_salary: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        Fields::parse(body.as_bytes()).and_then(Fields::into_new).unwrap_err().to_string()
    }

    #[test]
    fn a_new_employee_needs_a_name_and_an_address() {
        assert_eq!(refusal(r#"{"email":"a@b.c"}"#), "name is required");
        assert_eq!(refusal(r#"{"name":"A"}"#), "email is required");
        assert_eq!(refusal(r#"{"name":"  ","email":"a@b.c"}"#), "name must not be empty");
        assert_eq!(refusal(r#"{"name":"A","email":"nobody"}"#), "email is not an address: nobody");
        assert!(refusal(r#"{"name":"A","email":"a@b.c","salary":-1}"#).contains("negative"));
        assert!(refusal(r#"{"name":"A","email":"a@b.c","colour":"red"}"#).contains("unknown field `colour`"));
        assert!(refusal("not json").starts_with("the body is not an employee"));
    }

    #[test]
    fn defaults_fill_what_is_not_given() {
        let new =
            Fields::parse(br#"{"name":" Ada ","email":"ada@example.com"}"#).unwrap().into_new().unwrap();
        assert_eq!((new.name.as_str(), new.department.as_str(), new.salary), ("Ada", "General", 0.0));
    }

    #[test]
    fn pages_start_at_one_and_are_bounded() {
        assert_eq!(Page::parse(None, None).unwrap(), Page { page: 1, per_page: 10 });
        assert_eq!(Page::parse(Some("3"), Some("20")).unwrap().offset(), 40);
        for bad in [("0", "1"), ("x", "1"), ("1", "0"), ("1", "101"), ("-1", "1"), ("1.5", "1")] {
            assert!(Page::parse(Some(bad.0), Some(bad.1)).is_err(), "{bad:?}");
        }
    }
}
