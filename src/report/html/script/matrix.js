// The matrix: filters, rows of scenarios, areas or cases, and a window over them that holds only what is seen.

const ROW = 46;
const PRINTED = 3000;
const FILTERS = ['verdict', 'text', 'area', 'target', 'requirement', 'scenario', 'tls', 'rows', 'sort'];
let filters = {};
let rows = [];
let columns = [];
let focused = { row: 0, column: 0 };
let drawn = { from: -1, to: -1 };

// Columns: a target and a TLS version, as far as there are cases. One is named by `target\u0000tls`.
const cellTls = run.cells.map((cell) => cell.tls);

// Text that is searched, once in lower case.
const scenarioText = run.scenarios.map((s) => `${s.id} ${s.title} ${s.why}`.toLowerCase());
const targetText = run.targets.map((t) => `${t.name} ${t.version}`.toLowerCase());
const cellText = run.cells.map((c) => c.name.toLowerCase());
const reasonText = run.reasons.map((r) => r.toLowerCase());

const matchingCases = () => {
  const wanted = filters.verdict ? new Set(filters.verdict.split(',').map((word) => VERDICTS.indexOf(word))) : null;
  const words = (filters.text || '').toLowerCase().split(/\s+/).filter(Boolean).map((word) => ({
    s: scenarioText.map((text) => text.includes(word)),
    t: targetText.map((text) => text.includes(word)),
    c: cellText.map((text) => text.includes(word)),
    r: reasonText.map((text) => text.includes(word)),
  }));
  const requirement = (filters.requirement || '').trim();
  const isAsked = run.requirements.map((r) => r.id === requirement || r.id.startsWith(`${requirement}.`)
    || (requirement && !run.requirements.some((other) => other.id === requirement) && r.id.startsWith(requirement)));
  const scenarioAsked = run.scenarios.map((s) =>
    (!requirement || s.requirements.some((number) => isAsked[number]))
    && (!filters.area || s.id.startsWith(`${filters.area}/`))
    && (!filters.scenario || s.id === filters.scenario));
  const target = filters.target ? run.targets.findIndex((t) => t.name === filters.target) : -1;
  const found = [];
  for (let number = 0; number < caseCount; number += 1) {
    if (wanted && !wanted.has(verdicts[number])) continue;
    const s = cases.s[number];
    const asked = scenarioAsked[s]
      || (requirement && run.broken[number] && run.broken[number].some((r) => isAsked[r])
        && (!filters.area || areaOf(s) === filters.area) && (!filters.scenario || run.scenarios[s].id === filters.scenario));
    if (!asked) continue;
    if (filters.target && cases.t[number] !== target) continue;
    if (filters.tls && cellTls[cases.c[number]] !== filters.tls) continue;
    const reason = run.reason[number];
    if (words.every((w) => w.s[s] || w.t[cases.t[number]] || w.c[cases.c[number]]
      || (reason !== undefined && w.r[reason]))) found.push(number);
  }
  return found;
};

const findColumns = (found) => {
  const seen = new Map();
  for (const number of found) {
    const tls = cellTls[cases.c[number]];
    const key = `${cases.t[number]}\u0000${tls}`;
    if (!seen.has(key)) seen.set(key, { target: cases.t[number], tls });
  }
  const list = [...seen.values()].sort((a, b) => a.target - b.target || (a.tls < b.tls ? -1 : a.tls > b.tls ? 1 : 0));
  list.forEach((column, index) => { column.first = index === 0 || list[index - 1].target !== column.target; });
  return list;
};

// One row per scenario or area: what is worst in each column, how often, and of how many.
const groupRows = (found, isArea) => {
  const columnOf = new Map(columns.map((column, index) => [`${column.target}\u0000${column.tls}`, index]));
  const byKey = new Map();
  for (const number of found) {
    const s = cases.s[number];
    const key = isArea ? areaOf(s) : s;
    let row = byKey.get(key);
    if (!row) {
      row = { key, name: isArea ? key : run.scenarios[s].id, worst: 0, bad: 0, severity: -1, time: 0, total: 0, cells: new Map() };
      byKey.set(key, row);
    }
    const verdict = verdicts[number];
    const badness = BADNESS[verdict];
    row.worst = Math.max(row.worst, badness);
    if (badness >= 3) {
      row.bad += badness;
      row.severity = Math.max(row.severity, run.scenarios[s].severity);
    }
    row.time = Math.max(row.time, cases.m[number]);
    row.total += 1;
    const column = columnOf.get(`${cases.t[number]}\u0000${cellTls[cases.c[number]]}`);
    const cell = row.cells.get(column);
    if (!cell) row.cells.set(column, { verdict, count: 1, total: 1, number });
    else {
      cell.total += 1;
      if (verdict === cell.verdict) cell.count += 1;
      else if (badness > BADNESS[cell.verdict]) Object.assign(cell, { verdict, count: 1, number });
    }
  }
  return [...byKey.values()];
};

const caseRows = (found) => found.map((number) => ({
  number,
  name: caseName(number),
  worst: BADNESS[verdicts[number]],
  bad: BADNESS[verdicts[number]],
  severity: run.scenarios[cases.s[number]].severity,
  time: cases.m[number],
}));

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const ORDERS = {
  name: byName,
  worst: (a, b) => b.worst - a.worst || b.bad - a.bad || byName(a, b),
  severity: (a, b) => b.severity - a.severity || b.worst - a.worst || byName(a, b),
  time: (a, b) => b.time - a.time || byName(a, b),
};

const isNarrow = () => window.innerWidth <= 640;
const COLUMN = 54;
const nameWidth = () => (isNarrow() ? 164
  : Math.max(300, Math.min(420, (byId('grid').clientWidth || 1000) - 18 - COLUMN * columns.length)));
const columnWidth = () => {
  const room = (byId('grid').clientWidth || 1000) - nameWidth() - 18;
  const least = isNarrow() ? 62 : COLUMN;
  return Math.max(least, Math.min(140, Math.floor(room / Math.max(1, columns.length))));
};

const buildMatrix = () => {
  const found = matchingCases();
  const mode = filters.rows || 'scenario';
  columns = mode === 'case' ? [] : findColumns(found);
  rows = mode === 'case' ? caseRows(found) : groupRows(found, mode === 'area');
  rows.sort(ORDERS[filters.sort] || byName);
  focused = { row: 0, column: 0 };
  const noun = { case: 'case', area: 'area', scenario: 'scenario' }[mode];
  byId('count').textContent = mode === 'case'
    ? `${found.length} of ${plural(caseCount, 'case')}`
    : `${plural(rows.length, noun)}, ${found.length} of ${plural(caseCount, 'case')}`;
  const grid = byId('grid');
  grid.scrollTop = 0;
  grid.replaceChildren(rows.length ? table(mode) : make('p', { class: 'empty' }, 'No case matches these filters.'));
  drawn = { from: -1, to: -1 };
  drawRows();
};

const table = (mode) => {
  const body = make('tbody', { id: 'rows' });
  const width = mode === 'case' ? 0 : columnWidth();
  const sizes = mode === 'case'
    ? (isNarrow() ? [96, 0] : [120, 0, 200, 110, 90])
    : [nameWidth(), ...columns.map(() => width)];
  const result = make('table', { role: 'grid', 'aria-rowcount': rows.length + 1, 'aria-label': 'Matrix of results' },
    make('colgroup', {}, sizes.map((size) => make('col', size ? { width: size } : {}))),
    mode === 'case' ? caseHead() : matrixHead(mode), body);
  // Fixed tables take the width of their columns only when they have one themselves.
  if (mode !== 'case') result.setAttribute('width', nameWidth() + width * columns.length);
  else result.setAttribute('width', '100%');
  return result;
};

const CASE_HEADS = () => (isNarrow() ? ['verdict', 'case'] : ['verdict', 'case', 'target', 'severity', 'time']);
const caseHead = () => {
  return make('thead', {}, make('tr', { role: 'row' },
    CASE_HEADS().map((head) => make('th', { scope: 'col', role: 'columnheader' }, head))));
};

const matrixHead = (mode) => {
  const spans = [];
  for (const column of columns) {
    if (column.first) spans.push({ target: column.target, count: 0 });
    spans[spans.length - 1].count += 1;
  }
  const name = mode === 'area' ? 'area' : 'scenario';
  return make('thead', {},
    make('tr', { role: 'row' },
      make('th', { class: 'name', scope: 'col', role: 'columnheader' }, name),
      spans.map((span) => {
        const target = run.targets[span.target];
        return make('th', { class: 'target', colspan: span.count, scope: 'colgroup', role: 'columnheader', title: `${target.name} ${target.version}` }, target.name);
      })),
    make('tr', { role: 'row' },
      make('th', { class: 'name', scope: 'col', role: 'columnheader' }, ''),
      columns.map((column) => make('th', { class: column.first ? 'first' : '', scope: 'col', role: 'columnheader', title: column.tls || 'no TLS version of its own' },
        column.tls ? column.tls.replace(/^tls/, columnWidth() < 66 ? '' : 'TLS ') : 'any'))));
};

// Draws the rows that are seen and a few around them; `all` draws as many as a printer should have.
const drawRows = (all) => {
  const body = byId('rows');
  if (!body) return;
  const grid = byId('grid');
  const first = Math.floor(grid.scrollTop / ROW);
  const seen = Math.ceil((grid.clientHeight || 600) / ROW);
  const from = all ? 0 : Math.max(0, Math.min(first, rows.length - seen) - 12);
  const to = all ? Math.min(rows.length, PRINTED) : Math.min(rows.length, first + seen + 12);
  if (from === drawn.from && to === drawn.to) return;
  drawn = { from, to };
  const hadFocus = body.contains(document.activeElement);
  const isCase = filters.rows === 'case';
  const lines = [];
  for (let index = from; index < to; index += 1) lines.push(isCase ? caseRow(index) : matrixRow(index));
  body.replaceChildren(pad(from * ROW), ...lines, pad(all ? 0 : (rows.length - to) * ROW));
  if (hadFocus) focusCell(false);
};

const pad = (height) => {
  const row = make('tr', { class: 'pad', 'aria-hidden': 'true' }, make('td', { colspan: filters.rows === 'case' ? CASE_HEADS().length : columns.length + 1 }));
  row.style.height = `${height}px`;
  return row;
};

const stop = (row, column) => (focused.row === row && focused.column === column ? '0' : '-1');
const cellAttributes = (row, column, href, name, label) =>
  ({ href, class: name, 'aria-label': label, title: label, tabindex: stop(row, column), 'data-row': row, 'data-column': column });

const caseRow = (index) => {
  const number = rows[index].number;
  const scenario = run.scenarios[cases.s[number]];
  const target = run.targets[cases.t[number]].name;
  const verdict = verdicts[number];
  const narrow = isNarrow();
  const line = make('tr', { role: 'row', 'aria-rowindex': index + 2 },
    make('td', { role: 'gridcell', class: 'text' }, badge(verdict)),
    make('th', { role: 'rowheader', scope: 'row', class: 'case' },
      make('a', { href: caseLink(number), tabindex: stop(index, 0), 'data-row': index, 'data-column': 0 },
        make('span', { class: 'title' }, scenario.title),
        make('span', { class: 'sub' }, narrow ? `${target} · ${caseName(number)}` : caseName(number)))));
  if (!narrow) {
    line.append(make('td', { role: 'gridcell', class: 'text', title: target }, target),
      make('td', { role: 'gridcell', class: 'text' }, SEVERITIES[scenario.severity]),
      make('td', { role: 'gridcell', class: 'text' }, `${(cases.m[number] / 1000).toFixed(2)} s`));
  }
  return line;
};

const matrixRow = (index) => {
  const row = rows[index];
  const isArea = filters.rows === 'area';
  const scenario = isArea ? null : run.scenarios[row.key];
  const href = isArea
    ? link('matrix', { ...filters, area: row.key, rows: '' })
    : link('matrix', { ...filters, scenario: scenario.id, rows: 'case' });
  return make('tr', { role: 'row', 'aria-rowindex': index + 2 },
    make('th', { role: 'rowheader', scope: 'row', class: 'name' },
      make('a', cellAttributes(index, 0, href, '', isArea ? row.key : `${scenario.title} (${scenario.id})`),
        make('span', { class: 'title' }, isArea ? row.key : scenario.title),
        make('span', { class: 'sub' }, isArea ? plural(row.total, 'case') : scenario.id))),
    columns.map((column, at) => matrixCell(index, at, row, column, isArea)));
};

const matrixCell = (index, at, row, column, isArea) => {
  const cell = row.cells.get(at);
  const name = column.first ? 'first' : '';
  if (!cell) return make('td', { role: 'gridcell', class: name });
  const target = run.targets[column.target].name;
  const counted = cell.total === 1 ? WORDS[cell.verdict] : `${cell.count} of ${cell.total} ${WORDS[cell.verdict]}`;
  const label = `${target}${column.tls ? ` ${column.tls}` : ''}, ${row.name}: ${counted}`;
  const scope = isArea ? { area: row.key } : { scenario: row.name };
  const href = cell.total === 1
    ? caseLink(cell.number)
    : link('matrix', { ...filters, ...scope, target, tls: column.tls, rows: 'case', sort: 'worst' });
  return make('td', { role: 'gridcell', class: name },
    make('a', cellAttributes(index, at + 1, href, `v ${VERDICTS[cell.verdict]}`, label),
      make('span', { 'aria-hidden': 'true' }, GLYPHS[cell.verdict]),
      cell.total > 1 && make('small', { 'aria-hidden': 'true' }, cell.count === cell.total ? `${cell.total}` : `${cell.count}/${cell.total}`)));
};

const focusCell = (scroll) => {
  const grid = byId('grid');
  if (scroll) {
    const head = grid.querySelector('thead').offsetHeight;
    const top = focused.row * ROW;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + ROW + head > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + ROW + head - grid.clientHeight;
    drawRows();
  }
  for (const old of grid.querySelectorAll('a[tabindex="0"]')) old.tabIndex = -1;
  const at = (column) => grid.querySelector(`a[data-row="${focused.row}"][data-column="${column}"]`);
  const cell = at(focused.column) || at(0);
  if (cell) {
    cell.tabIndex = 0;
    cell.focus({ preventScroll: !scroll });
  }
};

const moveInGrid = (event) => {
  const cell = event.target.closest('a[data-row]');
  if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
  focused = { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  const page = Math.max(1, Math.floor(byId('grid').clientHeight / ROW) - 2);
  const moves = {
    ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1],
    PageDown: [page, 0], PageUp: [-page, 0], Home: [-rows.length, 0], End: [rows.length, 0],
  };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  focused.row = Math.max(0, Math.min(rows.length - 1, focused.row + move[0]));
  let column = focused.column;
  if (move[1]) {
    // Empty cells are stepped over.
    const has = (at) => at === 0 || (rows[focused.row].cells && rows[focused.row].cells.has(at - 1));
    do column += move[1]; while (column > 0 && column <= columns.length && !has(column));
    if (column >= 0 && column <= columns.length) focused.column = column;
  }
  focusCell(true);
};

const showFilters = () => {
  for (const chip of byId('f-verdict').querySelectorAll('.chip[data-verdict]')) {
    const isOn = (filters.verdict || '').split(',').includes(chip.dataset.verdict);
    chip.setAttribute('aria-pressed', String(isOn));
  }
  const exact = byId('f-exact');
  exact.hidden = !filters.scenario && !filters.tls;
  exact.textContent = `${[filters.scenario, filters.tls].filter(Boolean).join(', ')} ✕`;
  for (const name of ['text', 'area', 'target', 'requirement', 'rows', 'sort']) {
    const field = byId(`f-${name}`);
    const value = filters[name] || { rows: 'scenario', sort: 'name' }[name] || '';
    if (field.value !== value) field.value = value;
  }
};

const setFilters = (changes, isTyping) => {
  const next = { ...filters, ...changes };
  if (next.rows === 'scenario') next.rows = '';
  if (next.sort === 'name') next.sort = '';
  const address = link('matrix', next);
  // Typing leaves one entry in the history, not one per letter.
  if (isTyping) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  showMatrix(new URLSearchParams(place().params));
};

const showMatrix = (params) => {
  filters = {};
  for (const name of FILTERS) if (params.get(name)) filters[name] = params.get(name);
  showFilters();
  buildMatrix();
};

const prepareMatrix = () => {
  const counts = new Array(VERDICTS.length).fill(0);
  for (const verdict of verdicts) counts[verdict] += 1;
  const chips = byId('f-verdict');
  for (const verdict of [4, 7, 5, 2, 3, 1, 0, 6]) {
    if (!counts[verdict]) continue;
    const chip = make('button', { type: 'button', class: 'chip', 'aria-pressed': 'false', 'data-verdict': VERDICTS[verdict] },
      badge(verdict), ` ${counts[verdict]}`);
    chip.addEventListener('click', () => {
      const on = new Set((filters.verdict || '').split(',').filter(Boolean));
      if (!on.delete(VERDICTS[verdict])) on.add(VERDICTS[verdict]);
      setFilters({ verdict: [...on].join(',') });
    });
    chips.append(chip);
  }
  const exact = make('button', { type: 'button', class: 'chip', id: 'f-exact', hidden: true });
  exact.addEventListener('click', () => setFilters({ scenario: '', tls: '' }));
  chips.append(exact);
  const areas = [...new Set(run.scenarios.map((s) => s.id.split('/')[0]))].sort();
  byId('f-area').append(...areas.map((area) => make('option', { value: area }, area)));
  byId('f-target').append(...run.targets.map((t) => make('option', { value: t.name }, t.name)));
  byId('requirement-ids').append(...run.requirements.map((r) => r.id).sort().map((id) => make('option', { value: id })));
  for (const name of ['area', 'target', 'rows', 'sort']) {
    byId(`f-${name}`).addEventListener('change', (event) => setFilters({ [name]: event.target.value }));
  }
  let waiting = 0;
  for (const name of ['text', 'requirement']) {
    byId(`f-${name}`).addEventListener('input', (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => setFilters({ [name]: event.target.value }, true), 120);
    });
  }
  byId('f-clear').addEventListener('click', () => setFilters(Object.fromEntries(FILTERS.map((name) => [name, '']))));
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  const grid = byId('grid');
  let asked = false;
  grid.addEventListener('scroll', () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; drawRows(); });
  }, { passive: true });
  grid.addEventListener('keydown', moveInGrid);
  window.addEventListener('beforeprint', () => { if (!views.get('matrix').hidden) drawRows(true); });
  window.addEventListener('afterprint', () => { drawn = { from: -1, to: -1 }; drawRows(); });
};

