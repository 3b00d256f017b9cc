// The page of a case.

const findCase = (params) => {
  const target = run.targets.findIndex((t) => t.name === params.get('target'));
  const scenario = run.scenarios.findIndex((s) => s.id === params.get('scenario'));
  const cell = params.get('cell') || '';
  for (let number = 0; number < caseCount; number += 1) {
    if (cases.t[number] === target && cases.s[number] === scenario && run.cells[cases.c[number]].name === cell) return number;
  }
  return -1;
};

const rerunCommand = (number) => {
  const [target, rest] = run.targets[cases.t[number]].rerun;
  return `ftpspec run ${run.scenarios[cases.s[number]].id}${target}${run.cells[cases.c[number]].rerun}${rest}`;
};

const command = (text) => {
  const button = make('button', { type: 'button', class: 'quiet' }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      // Not every browser lets a file use the clipboard: the text is marked instead.
      getSelection().selectAllChildren(button.previousSibling);
    }
  });
  return make('div', { class: 'rerun' }, make('code', {}, text), button);
};

const requirementOf = (id) => run.requirements.find((r) => r.id === id);

const findingCard = (finding, number) => {
  const verdict = { fail: verdicts[number] === 3 ? 3 : 4, warn: 2, info: 1 }[finding.grade] ?? 5;
  const requirement = finding.requirement ? requirementOf(finding.requirement) : null;
  return make('li', { class: `finding ${VERDICTS[verdict]}` },
    make('div', { class: 'finding-head' }, badge(verdict, finding.grade ? undefined : 'precondition'), make('span', { class: 'severity' }, finding.step)),
    make('h3', {}, `${run.targets[cases.t[number]].name} ${finding.message}`),
    make('dl', { class: 'pair' },
      make('div', {}, make('dt', {}, 'expected'), make('dd', {}, finding.expected)),
      make('div', {}, make('dt', {}, 'observed'), make('dd', {}, finding.observed))),
    requirement && make('blockquote', { class: 'quote' }, requirement.summary,
      make('div', { class: 'meta' }, `${requirement.citation}, ${requirement.level} `,
        make('a', { href: link('matrix', { requirement: requirement.id }) }, make('code', {}, requirement.id)))));
};

const sourceList = (source, findings) => {
  const marks = new Map();
  for (const finding of findings) {
    const range = (pair, mark) => {
      for (let line = pair[0]; pair && line <= pair[1]; line += 1) if (!marks.has(line) || mark.name.startsWith('bad')) marks.set(line, mark);
    };
    if (finding.action) range(finding.action, { name: 'act' });
    if (finding.broken) {
      const name = `bad ${finding.grade === 'fail' ? '' : finding.grade ? 'warn' : 'inconclusive'}`;
      range(finding.broken, { name });
      marks.set(finding.broken[0], { name, says: `expected ${finding.expected}, got ${finding.observed}` });
    }
  }
  return make('ol', { class: 'source', 'aria-label': source.file, tabindex: '0' },
    source.text.split('\n').map((text, index) => {
      const mark = marks.get(index + 1);
      return make('li', { class: mark && mark.name, id: `line-${index + 1}` },
        make('span', { class: 'no', 'aria-hidden': 'true' }, `${index + 1}`),
        make('span', {}, text || ' '),
        mark && mark.says && make('span', { class: 'says' }, `◀ ${mark.says}`));
    }));
};

const factList = (pairs) => make('dl', { class: 'case-meta' },
  pairs.filter(([, value]) => value).map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));

const neighbours = (number) => {
  const same = [];
  for (let other = 0; other < caseCount && same.length < 60; other += 1) {
    if (cases.s[other] === cases.s[number] && other !== number) same.push(other);
  }
  return same.length ? [
    make('h2', {}, 'The same scenario elsewhere'),
    make('ul', { class: 'legend' }, same.map((other) => make('li', {},
      make('a', { href: caseLink(other) }, badge(verdicts[other]), ` ${run.targets[cases.t[other]].name} `,
        make('span', { class: 'meta' }, run.cells[cases.c[other]].name))))),
  ] : [];
};

const fileLink = (file) => (file.href ? make('a', { href: file.href }, make('code', {}, file.path)) : make('code', {}, file.path));

const detailParts = (detail, number) => {
  const scenario = run.scenarios[cases.s[number]];
  const source = scenarioTexts[scenario.id];
  const parts = [];
  if (detail.known) parts.push(make('p', { class: 'note' }, `known deviation: ${detail.known}`));
  if (detail.findings.length) {
    parts.push(make('h2', {}, detail.findings.length === 1 ? 'Finding' : 'Findings'),
      make('ol', { class: 'findings' }, detail.findings.map((finding) => findingCard(finding, number))));
  }
  parts.push(make('h2', {}, 'Run just this again'), command(rerunCommand(number)));
  if (detail.timeline) {
    const hits = new Set(detail.findings.map((finding) => finding.event));
    parts.push(make('h2', {}, 'Timeline'), make('div', { class: 'scroll' }, strip(detail.timeline, hits)),
      timelineTable(detail.timeline, detail.findings, source ? source.text.split('\n') : []),
      make('details', {}, make('summary', {}, 'Transcript as text'), make('pre', { class: 'transcript', tabindex: '0' }, transcript(detail.timeline))));
  }
  if (source) parts.push(make('h2', {}, 'Scenario'), make('p', { class: 'meta' }, make('code', {}, source.file)), sourceList(source, detail.findings));
  if (detail.held.length) {
    parts.push(make('h2', {}, 'Requirements that held'),
      make('ul', { class: 'held' }, detail.held.map(([id, step]) => make('li', {}, make('a', { href: link('matrix', { requirement: id }), title: step }, `✓ ${id}`)))));
  }
  if (detail.trace || detail.capture) {
    parts.push(make('h2', {}, 'Files of this case'), make('ul', { class: 'files' },
      detail.trace && make('li', {}, fileLink(detail.trace), ' the trace: every event, one line of JSON each'),
      detail.capture && make('li', {}, fileLink(detail.capture), ' the packets, for Wireshark and tshark; ', make('span', { class: 'badge warn' }, 'contains secrets'),
        make('span', { class: 'meta' }, ' The TLS keys are in it, and once more in keys.log beside it: whoever has the file reads the connection.'))));
  }
  return parts;
};

const showCase = (params) => {
  const view = views.get('case');
  const number = findCase(params);
  if (number < 0) {
    view.replaceChildren(make('h1', { id: 'case-h' }, 'No such case in this run'),
      make('p', {}, `${params.get('target') || ''} ${params.get('scenario') || ''} ${params.get('cell') || ''}`),
      make('p', {}, make('a', { href: '#matrix' }, 'To the matrix')));
    return;
  }
  const scenario = run.scenarios[cases.s[number]];
  const target = run.targets[cases.t[number]];
  const area = areaOf(cases.s[number]);
  const reason = run.reason[number];
  const repeated = run.repeated[number];
  const detail = hasDetail.has(number) ? read(`d${number}`) : null;
  view.replaceChildren(
    make('p', { class: 'crumbs' }, make('a', { href: '#matrix' }, 'Matrix'), ' / ', make('a', { href: link('matrix', { area }) }, area), ' / ',
      make('a', { href: link('matrix', { scenario: scenario.id, rows: 'case' }) }, scenario.id)),
    make('div', { class: 'case-head' }, badge(verdicts[number]), make('h1', { id: 'case-h' }, scenario.title)),
    factList([
      ['target', `${target.name} ${target.version}`], ['cell', run.cells[cases.c[number]].name], ['severity', SEVERITIES[scenario.severity]],
      ['took', `${(cases.m[number] / 1000).toFixed(3)} s`], ['repeated', repeated && `${repeated[0]} of ${repeated[1]} times the same`],
    ]),
    scenario.why ? make('p', { class: 'lead' }, scenario.why) : '',
    reason === undefined ? '' : make('p', { class: 'note' }, run.reasons[reason]),
    ...(detail ? detailParts(detail, number) : [
      make('h2', {}, 'Run just this again'), command(rerunCommand(number)),
      make('p', { class: 'meta' }, verdicts[number] === 6 ? 'It did not apply: nothing was run.' : 'This page keeps the details of cases with findings; the trace is in the report folder.'),
    ]),
    ...neighbours(number));
};

