// k6/html: what elements of one kind have, such as rows() of a table and htmlFor() of a label.
// The text of a `<textarea>` is left out: k6 takes an attribute `value`, throng what stands in it.
// @functions k6/html.parseHTML Response.html
import { parseHTML } from 'k6/html';

const usual = `<html><head><title id="ti">T</title><base id="ba" href="http://b.test/d/" target="tt"><style id="st" media="print" type="text/css">x{}</style><style id="st0"></style></head><body>
<audio id="au" autoplay controls crossorigin="anonymous" loop muted preload="none" src="s.mp3" mediagroup="mg"><track id="tk" default kind="captions" label="L" src="t.vtt" srclang="en"><track id="tk0"></audio><audio id="au0"></audio>
<video id="vi" src="/v.mp4" muted="false"><source id="so" keysystem="ks" media="m" sizes="1" src="v.mp4" srcset="a, b" type="video/mp4"><source id="so0"></video>
<button id="bu" value="v" name="n" required>B</button>
<canvas id="ca" width="10" height="20"></canvas><canvas id="ca0"></canvas><canvas id="cab" width="x"></canvas>
<del id="de" cite="c.html" datetime="2020-01-01">d</del><ins id="in0">i</ins>
<embed id="em" src="e.swf" type="t" width="1" height="2"><embed id="em0">
<iframe id="if" src="/f.html" name="n" width="3" height="4" allowfullscreen referrerpolicy="origin"></iframe><iframe id="if0"></iframe>
<form id="fo"><fieldset id="fs" disabled name="fsn"><legend id="le" accesskey="k">L</legend><input id="i1" name="a" list="dl"><select id="s1"><optgroup id="og" label="G" disabled><option id="o1" value="1">one</option></optgroup><optgroup id="og0"><option id="o2" selected>two</option></optgroup></select><button id="b1">x</button><textarea id="ta1"></textarea><output id="ou1" for="i1 s1" name="on">ot</output><object id="ob1"></object></fieldset>
<label id="l1" for="i1">lab</label><label id="l2"><input id="i2" list="none"></label><label id="l3">nothing</label><label id="l4" for="nope">n</label>
<keygen id="kg" autofocus challenge="ch" disabled keytype="kt" name="kn"><keygen id="kg0">
<meter id="me" min="1" max="9" value="5" low="2" high="8" optimum="4"></meter><label for="me" id="lme">m</label><meter id="me0"></meter><meter id="meb" min="x" max="2" value="9"></meter>
<progress id="pr" max="4" value="1"></progress><label for="pr" id="lpr">p</label><progress id="pr0"></progress><progress id="pr1" value="0.5"></progress>
<object id="ob" data="o.swf" name="n" type="t" width="5" height="6" usemap="#m" typemustmatch tabindex="3"></object><object id="ob0"></object>
<output id="ou0">zz</output><output id="ou" name="x" for="i1"><b>1</b>2</output></form><label for="ou" id="lou">q</label>
<datalist id="dl"><option id="d1" value="a"><option id="d2" value="b"></datalist><datalist id="dl0"></datalist><data id="da" value="9">x</data><data id="da0">x</data>
<map id="ma" name="mm"><area id="ar1" href="x"><area id="ar2"></map><img id="im" usemap="#mm" src="p.png"><img id="im2" usemap="mm"><object id="obm" usemap="#mm"></object><map id="ma0"></map>
<ol id="ol" reversed start="5" type="a"><li id="li" value="7" type="A"></li></ol><ol id="ol0"><li id="li0"></li></ol><ol id="olb" start="x"></ol><ul id="ul" type="disc"></ul><ul id="ul0"></ul>
<param id="pa" name="n" value="v"><param id="pa0"><pre id="pre" name="n" value="v">p</pre><pre id="pre0"></pre>
<table id="tb" sortable><caption id="cap">c</caption><colgroup><col id="co" span="2"><col id="co0"></colgroup><thead id="th1"><tr id="r1"><th id="h1" abbr="ab" scope="col" sorted="asc" colspan="2" rowspan="3" headers="x y">h</th><th id="h2"></th></tr></thead><tbody id="tb1"><tr id="r2"><td id="c1" headers="h1 h2">1</td><td id="c2" colspan="2">2</td><th id="c3">3</th></tr><tr id="r3"></tr></tbody><tbody id="tb2"><tr id="r4"><td id="c4"><table id="inner"><tbody><tr id="ri"><td id="ci"></td></tr></tbody></table></td></tr></tbody><tfoot id="tf1"><tr id="r5"><td id="c5"></td></tr></tfoot></table><table id="tb0"></table>
<time id="tm" datetime="2020">t</time><time id="tm0">t0</time>
<textarea id="ta" autocapitalize="words" autocomplete="off" accesskey="k" maxlength="9" required readonly rows="3" cols="4" wrap="hard" name="tn" tabindex="2" placeholder="pp">text</textarea>
</body></html>`;

const odd = `<html><body><form id="fo"></form><form id="f2"><input id="i0" form="fo" list="nd"><div id="nd"></div><fieldset id="fsx" form="fo"></fieldset><label id="la" form="fo" for="la">x</label><output id="ox" form="fo" for="a b"></output><object id="obx" form="fo"></object><legend id="lg">z</legend><keygen id="kgx" form="fo"></form>
<input id="i3" form="fo"><button id="b3" form="nope">t</button><button id="b4" value="">t</button><button id="b5" formaction="/x" form="f2"> u <b>v</b></button><map id="m1" name="q"><img id="im9" usemap="#q"><img id="im8" usemap="q"><area id="a9"></map><img id="i7" usemap="#m1"><img id="i6" usemap="m1">
<meter id="mx" min="2" max="4"></meter><meter id="my" value="3.5" high="1.5" low="x"></meter><progress id="p1" value="9" max="4"></progress><progress id="p2" value="x" max="0"></progress><progress id="p3" value="-1"></progress><progress id="p4" max="0.5" value="0.25"></progress>
<select id="se" ><optgroup disabled><option id="z1" disabled><option id="z2"></optgroup><option id="z3"></select><select id="se2" disabled><option id="z4"></select>
<table id="t"><tr id="r"><td id="x" colspan="0" rowspan="a"></td><td id="x2" colspan="-1" rowspan=" 2 "></td></tr></table><ol id="o" start=" 3 "></ol><ol id="o2" start="-2"></ol><col id="c">
<canvas id="cv" width="-1" height="1.5"></canvas><track id="tk" kind=""><audio id="ax" preload="" muted="x" src=""></audio><iframe id="ifx" src="about:blank" allowfullscreen="false"></iframe><style id="s" type=""></style><base id="bx" href="rel" target=""><textarea id="tx" value="vv" maxlength="x" rows="-1" cols="z">a
b</textarea><img id="ic" crossorigin width="x" height="1.5"><a id="aa" href="HTTP://U:P@ex.com:80/p?q=1#h">z</a><a id="ab" href="mailto:a@b">m</a><a id="ac" href="">e</a><a id="ad" href="#f">e</a><a id="ae" href="?q=2">e</a><a id="af" href="/abs/p?x#y">e</a><a id="ag" href="//h.test/p">e</a><li id="lz" value="x">
<title id="ttt">a<b>c</b></title><script id="sc" src="s.js">var a;</script><link id="lk" rel="a b" href="l.css"><meta id="mt" content="c" http-equiv="h" name="n">
</body></html>`;

const methods = {
  a: 'accessKey download hash host hostname href hrefLang origin password pathname port protocol referrerPolicy rel relList search target text type username',
  area: 'accessKey download hash host hostname href hrefLang origin password pathname port protocol referrerPolicy rel relList search target text type username',
  audio: 'autoplay controls crossOrigin currentSrc defaultMuted loop mediaGroup muted preload src textTracks',
  base: 'href target',
  button: 'accessKey autofocus disabled form formAction formEnctype formMethod formNoValidate formTarget labels name tabIndex type value',
  canvas: 'height width',
  col: 'span',
  data: 'value',
  datalist: 'options',
  del: 'cite datetime',
  embed: 'height src type width',
  fieldset: 'disabled elements form name type validity',
  form: 'acceptCharset action autocomplete elements encoding enctype length method name noValidate target',
  iframe: 'allowfullscreen height name referrerPolicy src width',
  img: 'alt crossOrigin currentSrc height isMap name referrerPolicy sizes src srcset useMap width',
  input: 'accept accessKey alt autocomplete autofocus checked defaultChecked defaultValue dirName disabled form formAction formEnctype formMethod formNoValidate formTarget height labels list max maxLength min multiple name pattern placeholder readonly required size src step tabIndex type value width',
  ins: 'cite datetime',
  keygen: 'autofocus challenge disabled form keytype labels name type',
  label: 'control form htmlFor',
  legend: 'accessKey form',
  li: 'type value',
  link: 'crossOrigin href hreflang media referrerPolicy rel relList target type',
  map: 'areas images name',
  meta: 'content httpEquiv name',
  meter: 'high labels low max min optimum',
  object: 'data form height name tabIndex type typeMustMatch useMap width',
  ol: 'reversed start type',
  optgroup: 'disabled label',
  option: 'defaultSelected disabled form index label selected text value',
  output: 'defaultValue form htmlFor labels name type value',
  param: 'name value',
  pre: 'name value',
  progress: 'labels max position value',
  script: 'async charset crossOrigin defer noModule src text type',
  select: 'autofocus disabled form labels length multiple name options required selectedIndex selectedOptions size tabIndex type value',
  source: 'keySystem media sizes src srcset type',
  style: 'media type',
  table: 'caption rows sortable tBodies tFoot tHead',
  tbody: 'rows',
  td: 'cellIndex colSpan headers rowSpan',
  textarea: 'accessKey autocapitalize autocomplete cols form labels maxLength placeholder readOnly required rows tabIndex type wrap',
  tfoot: 'rows',
  th: 'abbr cellIndex colSpan headers rowSpan scope sorted',
  thead: 'rows',
  time: 'datetime',
  title: 'text',
  tr: 'cells rowIndex sectionRowIndex',
  track: 'default kind label src srclang',
  ul: 'type',
  video: 'autoplay controls crossOrigin currentSrc defaultMuted loop mediaGroup muted preload src textTracks',
};

function shown(value) {
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (value && value.nodeName) return `<${value.nodeName()}#${value.id()}>`;
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

export default function () {
  for (const page of [usual, odd]) {
    for (const element of parseHTML(page).find('[id]').get()) {
      const name = element.nodeName();
      const answers = (methods[name] || '').split(' ').filter((method) => method !== '');
      console.log(`${name}#${element.id()}: ${answers.map((method) => `${method}=${shown(element[method]())}`).join(', ')}`);
    }
  }
  // What is one word of a list is one of them; in another spelling it is none.
  for (const [name, attribute, method, ...words] of [
    ['a', 'referrerpolicy', 'referrerPolicy', 'origin', 'same-origin', 'ORIGIN'], ['button', 'type', 'type', 'reset', 'menu', 'x'],
    ['button', 'formmethod', 'formMethod', 'post', 'POST', 'put'], ['form', 'method', 'method', 'post', 'POST', 'put'],
    ['form', 'enctype', 'enctype', 'text/plain', 'text/x'], ['input', 'type', 'type', 'email', 'EMAIL', 'datetime', 'x'],
    ['img', 'crossorigin', 'crossOrigin', 'anonymous', 'use-credentials', 'x'], ['script', 'crossorigin', 'crossOrigin', 'x'],
    ['meta', 'http-equiv', 'httpEquiv', 'refresh', 'x'], ['textarea', 'wrap', 'wrap', 'hard', 'x'], ['audio', 'preload', 'preload', 'none', 'x'],
    ['track', 'kind', 'kind', 'captions', 'subtitles'], ['keygen', 'keytype', 'keytype', 'EC', 'x'], ['ol', 'type', 'type', 'A', 'x'],
    ['ul', 'type', 'type', 'x'], ['li', 'type', 'type', 'circle', 'x'], ['style', 'type', 'type', 'x', ''], ['select', 'size', 'size', '5'],
  ]) {
    const answers = words.map((word) => shown(parseHTML(`<${name} id="x" ${attribute}="${word}"></${name}>`).find('#x').get(0)[method]()));
    console.log(`${name} ${attribute} ${words.join(' ')}: ${answers.join(' ')}`);
  }
}
