// Files in a form make it multipart.
// @functions k6/http.file
import http from 'k6/http';
import { show } from './lib/show.js';

const binary = open('./data/bytes.bin', 'b');

export default function () {
  const parts = (body, params) => {
    const r = http.post(`${__ENV.HTTP}/anything`, body, params).json();
    return [r.headers['content-type'][0].replace(/boundary=.*/, 'boundary'), r.parts];
  };
  const sorted = ([type, list]) => [type, list.sort((a, b) => (a.name < b.name ? -1 : 1))];
  const file = http.file('contents', 'name.txt', 'text/plain');
  show('file', [file.data, file.filename, file.content_type]);
  show('one file', parts({ upload: file }));
  show('with fields', sorted(parts({ field: 'value', number: 5, upload: file })));
  show('binary', parts({ upload: http.file(binary, 'bytes.bin') }));
  const unnamed = http.file('x');
  show('defaults', [/^\d+$/.test(unnamed.filename), unnamed.content_type]);
  show('odd name', parts({ upload: http.file('x', 'a "quoted" é.txt') }));
  const boundary = http.post(`${__ENV.HTTP}/anything`, { f: file }).request.headers['Content-Type'][0];
  show('boundary', /^multipart\/form-data; boundary=[0-9a-f]{60}$/.test(boundary));
}
