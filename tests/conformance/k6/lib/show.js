// Shared by the scripts: prints a value as one console line, or that something threw.

// The keys of objects are printed in order of name: k6 leaves their order to chance where they come
// from its own maps. Where the order is the point, scripts show `Object.keys`.
export function ordered(value) {
  if (value === null || typeof value !== 'object' || typeof value.toJSON === 'function') return value;
  if (Array.isArray(value)) return value.map(ordered);
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, ordered(value[key])]));
}

export function show(label, value) {
  console.log(`${label} = ${JSON.stringify(ordered(value))}`);
}

// The words of an error are the engine's own; that there is one, and its kind, is the fact.
export function attempt(label, action) {
  try {
    show(label, action());
  } catch (error) {
    console.log(`${label} throws`);
  }
}

// What arrived at the server, without what identifies the engine or the connection.
export function seen(response, ...fields) {
  const request = response.json();
  const picked = {};
  for (const field of fields) {
    picked[field] = field.includes('-') || request[field] === undefined ? request.headers[field] : request[field];
  }
  return picked;
}
