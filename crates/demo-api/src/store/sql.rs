//! The statements that both databases understand as they are.

pub(super) const PING: &str = "SELECT 1";
pub(super) const COUNT: &str = "SELECT COUNT(*) FROM employees";
pub(super) const LIST: &str =
    "SELECT id, name, email, department, position, salary FROM employees ORDER BY id LIMIT ? OFFSET ?";
pub(super) const GET: &str =
    "SELECT id, name, email, department, position, salary FROM employees WHERE id = ?";
pub(super) const STATS: &str =
    "SELECT department, COUNT(*), AVG(salary) FROM employees GROUP BY department ORDER BY department";
pub(super) const INSERT: &str =
    "INSERT INTO employees (name, email, department, position, salary) VALUES (?, ?, ?, ?, ?)";
/// Columns that were not given keep their value.
pub(super) const UPDATE: &str = "UPDATE employees SET name = COALESCE(?, name), email = COALESCE(?, email), \
     department = COALESCE(?, department), position = COALESCE(?, position), salary = COALESCE(?, salary) \
     WHERE id = ?";
pub(super) const DELETE: &str = "DELETE FROM employees WHERE id = ?";
