// Data of the run, and how elements are made. Text is only ever set as text; there is no HTML in any string.

const read = (id) => {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
};
const run = read('index');
const scenarioTexts = read('scenarios');
const cases = run.cases;
const caseCount = cases.s.length;
const VERDICTS = run.verdicts;
const GLYPHS = ['✓', 'i', '!', '~', '✕', '?', '–', 'E'];
const WORDS = ['pass', 'info', 'warn', 'known', 'fail', 'inconclusive', 'n.a.', 'error'];
const SEVERITIES = ['low', 'medium', 'high', 'critical'];
// How bad a verdict is; the number of a verdict is its place in VERDICTS.
const BADNESS = [1, 2, 4, 3, 6, 5, 0, 7];
const verdicts = Uint8Array.from(cases.v, (digit) => digit.charCodeAt(0) - 48);
const hasDetail = new Set(run.details);

// make('a', { href: '#x', class: 'y' }, 'text', child, …)
const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const makeSvg = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
};
const views = new Map([...document.querySelectorAll('.view')].map((view) => [view.id, view]));
for (const [name, view] of views) view.id = `view-${name}`;
const byId = (id) => document.getElementById(id);
const badge = (verdict, word) =>
  make('span', { class: `badge ${VERDICTS[verdict]}` },
    make('span', { class: 'glyph', 'aria-hidden': 'true' }, GLYPHS[verdict]), word || WORDS[verdict]);

const areaOf = (scenario) => run.scenarios[scenario].id.split('/')[0];
const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const seconds = (microseconds) => `+${(microseconds / 1e6).toFixed(3)}`;

// The place in the report is the part of the address behind the #: a view and its parameters.
const place = () => {
  const hash = location.hash.slice(1);
  const mark = hash.indexOf('?');
  return {
    view: (mark < 0 ? hash : hash.slice(0, mark)) || 'overview',
    params: new URLSearchParams(mark < 0 ? '' : hash.slice(mark + 1)),
  };
};
const link = (view, params) => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  const text = query.toString().replaceAll('%2F', '/').replaceAll('%2C', ',').replaceAll('+', '%20');
  return text ? `#${view}?${text}` : `#${view}`;
};
const caseLink = (number) => link('case', {
  target: run.targets[cases.t[number]].name,
  scenario: run.scenarios[cases.s[number]].id,
  cell: run.cells[cases.c[number]].name,
});
const caseName = (number) => {
  const cell = run.cells[cases.c[number]].name;
  return run.scenarios[cases.s[number]].id + (cell ? `[${cell}]` : '');
};

