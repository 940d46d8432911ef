// Response.json(selector): modifiers, multipaths, literals, JSON lines, nested queries; and bodies that a script replaced.
// @functions Response.json
import http from 'k6/http';
import { attempt } from './lib/show.js';

const document = {"a": {"b": [1, 2, {"c": "x"}], "d.e": 5}, "friends": [{"first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb"]}, {"first": "Roger", "last": "Craig", "age": 68, "nets": ["fb"]}, {"first": "Jane", "last": "Murphy", "age": 47, "nets": ["ig"]}], "n": null, "t": true, "f": false, "s": "str", "num": 1.5, "neg": -3, "exp": 1000.0, "nested": [[1, 2], [3, [4, 5]], 6], "mixed": [1, "1", true, null, {"a": 1}, [2]], "js": "{\"in\":[1,2]}", "badjs": "{oops", "e": {}, "ea": [], "@at": "at", "uni": "hé\n\"q\"", "objs": [{"a": 10, "b": 1}, {"a": 20, "c": 2}, {"b": 3}], "vals": {"k1": {"v": 1}, "k2": {"v": 2}}, "has space": 7, "children": ["Sara", "Alex", "Jack"], "name": {"first": "Tom", "last": "Anderson"}, "truthy": [{"n": "a", "v": true}, {"n": "b", "v": false}, {"n": "c", "v": 1}, {"n": "d", "v": 0}, {"n": "e", "v": "true"}, {"n": "f", "v": null}, {"n": "g"}, {"n": "h", "v": ""}, {"n": "i", "v": "x"}]};

const selectors = [
  '@this|s',
  '@reverse|0',
  'a.b.@reverse',
  'children|@reverse|0',
  'children.@reverse.0',
  'name.@keys',
  'name|@values',
  'e|@keys',
  's|@keys',
  'nested|@flatten',
  'nested.@flatten:{"deep":true}',
  'friends.#.nets|@flatten',
  'friends.#.nets.@flatten',
  'objs|@join',
  'objs|@join:{"preserve":true}',
  '[name,vals]|@join',
  'name|@pretty|first',
  'a|@ugly|b.0',
  's|@valid',
  'js|@fromstr',
  'js|@fromstr|in.1',
  'name|@tostr',
  'name|@tostr|@fromstr',
  'missing|@keys',
  'missing.@tostr',
  '{first:friends.#.first,last:friends.#.last}|@group',
  '@dig:nets.0',
  'vals|@dig:v',
  '@nosuch',
  's|@nosuch',
  '[s,num,t,missing]',
  '{s,n}',
  '{"x":s,"y":num}',
  '{x:s,y:num}',
  '{a.b.#,friends.#}',
  '{friends.#(age>45)#.first,a.b}',
  '{"k":name|@keys}',
  '{name.@keys}',
  'friends.#.{first,age}',
  'friends.#.[first,age]',
  'friends.#(age>45)#.{first,last}',
  'friends.[0,1]',
  'a.{b,c}',
  'name.{first,last}.first',
  '[[s,n],{t}]',
  '{}',
  '{s',
  '{s,}',
  '[s,,n]',
  '{s,"lit":!"hello"}',
  '[s,!true,!5,!{"a":1}]',
  '!"text"',
  '!{"a":[1,2]}.a.0',
  '!null',
  '!bad',
  'a.!5',
  'a|!5',
  '..0.s',
  '..#',
  '..#.s',
  '..1',
  'friends.#(nets.#(=="fb"))#.first',
  'friends.#(nets.#>1)#.first',
  'friends.#(first|@tostr|@fromstr=="Dale").age',
  'friends.#(@keys.0=="first")#.last',
  'friends.#(age>"45")#.first',
  'friends.#(age!=44)#|#',
  'friends.#(first=="\\u0044ale").age',
  'friends.#(nope=="x")|@tostr',
  'friends.#(last=="Murphy")#|first',
  'friends.#.nets.#(=="fb")#',
  'truthy.#(v==~true)#.n',
  'truthy.#(v==~false)#.n',
  'truthy.#(v!=~null)#.n',
  'truthy.#(v==~*)#.n',
  'truthy.#(v==true)#.n',
  'truthy.#(v!=null)#.n',
  'truthy.#(v>0)#.n',
  'mixed.#(==1)#',
  'mixed.#(!=true)#',
  'mixed.#()#',
  'mixed.#(>false)#',
  'n*.first',
  '*.b.0',
  'vals.*.v',
  '@at',
  'children.#.x',
];

export default function () {
  const r = http.get(`${__ENV.HTTP}/json`);
  r.body = JSON.stringify(document);
  for (const selector of selectors) attempt(selector, () => r.json(selector));

  const replaced = (body, params) => { const other = http.get(`${__ENV.HTTP}/json`, params); other.body = body; return other; };
  attempt('replaced', () => replaced('[7]').json());
  attempt('replaced, a part', () => replaced('[7]').json('0'));
  attempt('replaced, a page', () => replaced('<p>x</p>').html('p').text());
  attempt('replaced, bytes', () => replaced(new Uint8Array([91, 55, 93]).buffer).json('0'));
  attempt('replaced, none kept', () => replaced('[7]', { responseType: 'none' }).json('0'));
  attempt('replaced by nothing', () => replaced(null).json());
  attempt('replaced by nothing, a page', () => replaced(null).html());
  attempt('replaced by a number', () => replaced(5).json('0'));
  const kept = http.get(`${__ENV.HTTP}/json`);
  const before = kept.json().title;
  kept.body = '{"title":"another"}';
  attempt('replaced after it was read', () => [kept.json().title === before, kept.json('title')]);
}
