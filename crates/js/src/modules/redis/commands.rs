//! The client's methods: which command each sends, with what, and what its reply becomes.

use throng_quickjs::{Call, JsResult, Thrown, Value};

/// What a method's argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// A key or a field: text.
    Key,
    /// A string, a number or a boolean.
    Scalar,
    /// A whole number.
    Number,
    /// Seconds until a key is gone, if there are any: `EX` and the number.
    Expiry,
    /// All further arguments, each text.
    Keys,
    /// All further arguments, each a string, a number or a boolean.
    Scalars,
}

/// What a script gets of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// What the server says; nothing is an error.
    Present,
    /// The same, of any kind.
    Any,
    /// What the server says.
    Said,
    /// Seconds, of which there may be none.
    Seconds,
    /// Whether it says 1.
    Truth,
    /// An object of names and values.
    Pairs,
}

/// A method.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) method: &'static str,
    /// Empty where the script names it.
    verb: &'static str,
    arguments: &'static [Argument],
    pub(super) reply: Reply,
}

const fn of(
    method: &'static str,
    verb: &'static str,
    arguments: &'static [Argument],
    reply: Reply,
) -> Command {
    Command { method, verb, arguments, reply }
}

/// In the order of k6's documentation.
pub(super) const COMMANDS: &[Command] = {
    use Argument::{Expiry, Key, Keys, Number, Scalar, Scalars};
    use Reply::{Any, Pairs, Present, Said, Seconds, Truth};
    &[
        of("set", "SET", &[Key, Scalar, Expiry], Said),
        of("get", "GET", &[Key], Present),
        of("getSet", "GETSET", &[Key, Scalar], Present),
        of("del", "DEL", &[Keys], Said),
        of("getDel", "GETDEL", &[Key], Present),
        of("exists", "EXISTS", &[Keys], Said),
        of("incr", "INCR", &[Key], Said),
        of("incrBy", "INCRBY", &[Key, Number], Said),
        of("decr", "DECR", &[Key], Said),
        of("decrBy", "DECRBY", &[Key, Number], Said),
        of("randomKey", "RANDOMKEY", &[], Present),
        of("mget", "MGET", &[Keys], Said),
        of("expire", "EXPIRE", &[Key, Number], Truth),
        of("ttl", "TTL", &[Key], Seconds),
        of("persist", "PERSIST", &[Key], Truth),
        of("lpush", "LPUSH", &[Key, Scalars], Said),
        of("rpush", "RPUSH", &[Key, Scalars], Said),
        of("lpop", "LPOP", &[Key], Present),
        of("rpop", "RPOP", &[Key], Present),
        of("lrange", "LRANGE", &[Key, Number, Number], Said),
        of("lindex", "LINDEX", &[Key, Number], Present),
        of("lset", "LSET", &[Key, Number, Scalar], Said),
        of("lrem", "LREM", &[Key, Number, Scalar], Said),
        of("llen", "LLEN", &[Key], Said),
        of("hset", "HSET", &[Key, Key, Scalar], Said),
        of("hsetnx", "HSETNX", &[Key, Key, Scalar], Truth),
        of("hget", "HGET", &[Key, Key], Present),
        of("hdel", "HDEL", &[Key, Keys], Said),
        of("hgetall", "HGETALL", &[Key], Pairs),
        of("hkeys", "HKEYS", &[Key], Said),
        of("hvals", "HVALS", &[Key], Said),
        of("hlen", "HLEN", &[Key], Said),
        of("hincrby", "HINCRBY", &[Key, Key, Number], Said),
        of("sadd", "SADD", &[Key, Scalars], Said),
        of("srem", "SREM", &[Key, Scalars], Said),
        of("sismember", "SISMEMBER", &[Key, Scalar], Truth),
        of("smembers", "SMEMBERS", &[Key], Said),
        of("srandmember", "SRANDMEMBER", &[Key], Present),
        of("spop", "SPOP", &[Key], Present),
        of("sendCommand", "", &[Key, Scalars], Any),
    ]
};

impl Command {
    pub(super) fn arity(&self) -> i32 {
        self.arguments.len() as i32
    }

    /// The command with its arguments, as it is sent.
    pub(super) fn request(&self, call: &Call<'_>) -> JsResult<Vec<Vec<u8>>> {
        let mut request = Vec::with_capacity(1 + call.len());
        if !self.verb.is_empty() {
            request.push(self.verb.into());
        }
        for (place, argument) in self.arguments.iter().enumerate() {
            let value = call.arg(place);
            match argument {
                Argument::Key => request.push(value.to_text()?.into_bytes()),
                Argument::Scalar => request.push(self.scalar(&value, place)?),
                Argument::Number => request.push(whole(&value)?.to_string().into_bytes()),
                Argument::Expiry => {
                    let seconds = if value.is_nullish() { 0 } else { whole(&value)? };
                    if seconds > 0 {
                        request.push(b"EX".to_vec());
                        request.push(seconds.to_string().into_bytes());
                    }
                }
                Argument::Keys => {
                    for place in place..call.len() {
                        request.push(call.arg(place).to_text()?.into_bytes());
                    }
                }
                Argument::Scalars => {
                    for place in place..call.len() {
                        request.push(self.scalar(&call.arg(place), place)?);
                    }
                }
            }
        }
        Ok(request)
    }

    fn scalar(&self, value: &Value, place: usize) -> JsResult<Vec<u8>> {
        if value.is_string() {
            return Ok(value.to_text()?.into_bytes());
        }
        if let Some(truth) = value.as_bool() {
            return Ok(vec![if truth { b'1' } else { b'0' }]);
        }
        if let Some(number) = value.as_number() {
            // Without an exponent, as Go's client writes it.
            return Ok(number.to_string().into_bytes());
        }
        Err(Thrown::type_error(format!(
            "argument {} of {}() is neither a string nor a number nor a boolean",
            place + 1,
            self.method
        )))
    }
}

/// A number cut to a whole one.
fn whole(value: &Value) -> JsResult<i64> {
    Ok(value.to_number()?.trunc() as i64)
}
