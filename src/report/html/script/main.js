// Views, theme, start.

// Without a script the views are parts of one page and their ids the ends of links; with one they must not be, or the
// browser would scroll there by itself.
let shown = null;

const show = () => {
  let { view, params } = place();
  // The skip link is no view.
  if (view === 'main') return;
  if (!views.has(view)) { view = 'overview'; params = new URLSearchParams(); }
  for (const [name, section] of views) section.hidden = name !== view;
  for (const anchor of document.querySelectorAll('nav a')) {
    const isHere = anchor.hash === `#${view}` || (view === 'case' && anchor.hash === '#matrix');
    if (isHere) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
  if (view === 'matrix') showMatrix(params);
  if (view === 'case') showCase(params);
  // A new view starts at its top, and screen readers start with its heading; not at the first load.
  if (shown !== null && shown !== location.hash) {
    scrollTo(0, 0);
    byId('main').focus({ preventScroll: true });
  }
  shown = location.hash;
};

const THEMES = ['auto', 'light', 'dark'];
const storage = {
  // Some browsers give files no storage.
  get() { try { return localStorage.getItem('ftpspec-theme'); } catch { return null; } },
  set(value) { try { localStorage.setItem('ftpspec-theme', value); } catch { /* the choice lasts as long as the page */ } },
};
const setTheme = (theme) => {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme').textContent = `Theme: ${theme}`;
};

const prepareTheme = () => {
  let theme = THEMES.includes(storage.get()) ? storage.get() : 'auto';
  setTheme(theme);
  byId('theme').hidden = false;
  byId('theme').addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(theme);
    storage.set(theme);
  });
};

prepareTheme();
prepareMatrix();
window.addEventListener('hashchange', show);
window.addEventListener('popstate', show);
let width = window.innerWidth;
window.addEventListener('resize', () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  if (!views.get('matrix').hidden) buildMatrix();
});
show();
