// The timeline of a case: a strip that shows its connections at a glance, and every event in two lanes.

// A pause longer than this is said, in microseconds.
const PAUSE = 200000;

// Where the lanes of the strip begin.
const LEFT = 134;

const isData = (name) => /data \d+$/.test(name);
const ARROWS = { '>': '→', '<': '←', '=': '·' };
const SPOKEN = { '>': 'sent', '<': 'received', '=': '' };

// Horizontal places: the order of events is exact, waits are shortened (logarithm) so that the rest stays readable.
const stripPlaces = (events) => {
  const places = [];
  let at = 0;
  let before = events.length ? events[0].t : 0;
  for (const event of events) {
    at += 1 + 5 * Math.log10(1 + Math.max(0, event.t - before) / 1000);
    before = event.t;
    places.push(at);
  }
  const scale = 850 / Math.max(1, at);
  return places.map((place) => LEFT + place * scale);
};

const strip = (timeline, hits) => {
  const events = timeline.events;
  const lanes = timeline.channels.slice(0, 12);
  const height = lanes.length * 26 + 34;
  const places = stripPlaces(events);
  const svg = makeSvg('svg', { class: 'strip', viewBox: `0 0 1000 ${height}`, role: 'img', 'aria-label': `${plural(timeline.channels.length, 'connection')} over ${((events.at(-1) || { t: 0 }).t / 1e6).toFixed(2)} seconds; the table below has every event` });
  for (let index = 1; index < events.length; index += 1) {
    const wait = events[index].t - events[index - 1].t;
    const width = places[index] - places[index - 1];
    if (wait < PAUSE) continue;
    svg.append(makeSvg('rect', { class: 'gap', x: places[index - 1], y: 0, width, height }),
      makeSvg('text', { class: 'gap-text', x: places[index - 1] + width / 2, y: height - 8 }, `${(wait / 1e6).toFixed(1)} s`));
  }
  lanes.forEach((name, lane) => {
    const y = 20 + lane * 26;
    const own = events.map((event, index) => ({ event, x: places[index] })).filter(({ event }) => event.c === lane);
    svg.append(makeSvg('text', { x: 10, y: y + 4 }, name.length > 19 ? `${name.slice(0, 18)}…` : name),
      makeSvg('line', { class: 'lane', x1: LEFT, x2: 990, y1: y, y2: y }));
    const ends = ['fin', 'reset'];
    const start = own.length ? own[0].x : LEFT;
    const close = own.find(({ event }) => ends.includes(event.k) && event.d === '<') || own.at(-1);
    const end = close ? close.x : start;
    const tls = own.find(({ event }) => event.k === 'full' || event.k === 'resumed');
    svg.append(makeSvg('line', { class: 'open', x1: start, x2: tls ? tls.x : end, y1: y, y2: y }));
    if (tls) svg.append(makeSvg('line', { class: isData(name) ? 'tls data' : 'tls', x1: tls.x, x2: Math.max(end, tls.x + 2), y1: y, y2: y }));
    for (const { event, x } of own) {
      const title = makeSvg('title', {}, `${seconds(event.t)} ${name}: ${event.x}`);
      svg.append(makeSvg('circle', { class: `mark ${event.k}`, cx: x, cy: y, r: event.k === 'problem' || event.k === 'reset' ? 4 : 2.2 }, title));
      if (hits.has(event.i)) svg.append(makeSvg('circle', { class: 'flag', cx: x, cy: y, r: 8 }));
    }
  });
  svg.append(makeSvg('text', { x: LEFT, y: height - 8 }, '0 s'));
  return svg;
};

const eventBody = (event, channel, findings) => [
  make('span', { class: 'ev' },
    make('span', { class: 'arrow', 'aria-label': SPOKEN[event.d], role: SPOKEN[event.d] ? 'img' : null }, ARROWS[event.d] || '·'),
    make('span', {},
      channel && channel !== 'control' ? make('span', { class: 'chan' }, channel) : null,
      event.x, (event.more || []).map((line) => make('span', { class: 'line' }, line)),
      (event.facts || []).length ? make('span', { class: 'extra' }, event.facts.map(([name, value]) => `${name} ${value}`).join(' · ')) : null)),
  findings.map((finding) => make('span', { class: 'says' }, `${finding.grade || 'precondition'}: expected ${finding.expected}, got ${finding.observed}`)),
];

const row = (name, ...cells) => make('tr', { class: name, role: 'row' }, cells);
const cell = (name, ...content) => make('td', { class: name, role: 'cell' }, content);
const wide = (...content) => make('td', { class: 'wide', role: 'cell', colspan: 2 }, content);

// The first line of a step, as its author wrote it.
const stepLine = (event, lines) => {
  let text = ((event.l && lines[event.l - 1]) || '').trim().replace(/^- /, '');
  if (text.endsWith(':')) text += ` ${(lines[event.l] || '').trim()}`;
  return text.length > 110 ? `${text.slice(0, 109)}…` : text;
};

const timelineTable = (timeline, findings, lines) => {
  const body = make('tbody', { role: 'rowgroup' });
  const byEvent = Map.groupBy ? Map.groupBy(findings, (finding) => finding.event)
    : findings.reduce((map, finding) => map.set(finding.event, [...(map.get(finding.event) || []), finding]), new Map());
  const gradeClass = (list) => (list.some((f) => f.grade === 'fail') ? 'hit' : list.some((f) => f.grade) ? 'hit warn' : 'hit inconclusive');
  let before = null;
  timeline.events.forEach((event, index) => {
    // Remarks of the case itself that come together stand together.
    const last = body.lastChild;
    if (event.k === 'note' && event.c === undefined && last && last.classList.contains('note') && !byEvent.has(event.i)
      && last.dataset.own) {
      last.querySelector('.ev > :last-child').append(` · ${event.x}`);
      return;
    }
    if (timeline.cut && timeline.cut[0] === index) {
      body.append(row('pause', cell('when'), wide(`… ${plural(timeline.cut[1], 'event')} left out; the trace has them`)));
    } else if (before !== null && event.t - before >= PAUSE) {
      body.append(row('pause', cell('when'), wide(`${((event.t - before) / 1e6).toFixed(2)} s pass`)));
    }
    before = event.t;
    const channel = event.c === undefined ? null : timeline.channels[event.c];
    const hits = byEvent.get(event.i) || [];
    byEvent.delete(event.i);
    const content = eventBody(event, channel, hits);
    const name = hits.length ? `${event.k} ${gradeClass(hits)}` : event.k;
    const when = cell('when', seconds(event.t));
    if (event.k === 'step') body.append(row('step', cell('when'), wide(event.x, make('code', {}, stepLine(event, lines)))));
    else if (channel === null) {
      body.append(row(name, when, wide(content)));
      body.lastChild.dataset.own = hits.length ? '' : 'yes';
    }
    else if (isData(channel)) body.append(row(name, when, cell('control'), cell('data', content)));
    else body.append(row(name, when, cell('control', content), cell('data')));
  });
  for (const list of byEvent.values()) {
    body.append(row(gradeClass(list), cell('when'), wide('and then nothing that was waited for',
      list.map((finding) => make('span', { class: 'says' }, `expected ${finding.expected}, got ${finding.observed}`)))));
  }
  return make('table', { class: 'timeline', role: 'table', 'aria-label': 'Every event in order' },
    make('colgroup', {}, make('col', { class: 'time' }), make('col'), make('col')),
    make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' },
      ['time', 'control connection', 'data connections'].map((head) => make('th', { scope: 'col', role: 'columnheader' }, head)))),
    body);
};

const transcript = (timeline) => timeline.events
  .filter((event) => event.k !== 'step')
  .map((event) => {
    const channel = event.c === undefined ? '' : timeline.channels[event.c];
    return [`${seconds(event.t).padStart(8)}  ${channel.padEnd(8)}  ${event.d} ${event.x}`, ...(event.more || []).map((line) => `${' '.repeat(22)}${line}`)].join('\n');
  })
  .join('\n');

