const all = (what, root = document) => [...root.querySelectorAll(what)];
const one = id => document.getElementById(id);

const menu = one('menu');
menu.hidden = false;
document.body.classList.add('scripted');
menu.addEventListener('click', () => {
  const open = menu.getAttribute('aria-expanded') !== 'true';
  menu.setAttribute('aria-expanded', open);
});
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') menu.setAttribute('aria-expanded', false);
});

const code = one('show-code');
code?.addEventListener('click', () => {
  const shown = code.getAttribute('aria-pressed') !== 'true';
  code.setAttribute('aria-pressed', shown);
  code.textContent = shown ? 'Hide the code' : 'Show the code';
  for (const block of all('.code')) block.hidden = !shown;
});

const tabs = all('[role=tab]');
const choose = chosen => {
  for (const tab of tabs) {
    const on = tab === chosen;
    tab.setAttribute('aria-selected', on);
    tab.tabIndex = on ? 0 : -1;
    one(tab.getAttribute('aria-controls')).hidden = !on;
  }
};
tabs.forEach((tab, place) => {
  tab.addEventListener('click', () => choose(tab));
  tab.addEventListener('keydown', event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = tabs[(place + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});
if (tabs.length) {
  tabs[0].parentElement.hidden = false;
  choose(tabs[0]);
}

const ask = document.querySelector('.ask');
if (ask) {
  const go = () => {
    location.href = `${ask.dataset.page}?q=${encodeURIComponent(one('ask').value)}`;
  };
  ask.hidden = false;
  ask.querySelector('button').addEventListener('click', go);
  one('ask').addEventListener('keydown', event => event.key === 'Enter' && go());
}

const finder = document.querySelector('.finder');
if (finder) {
  const plain = text => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '')
    .replace(/[’‘]/g, "'").replace(/[−–]/g, '-');
  const cards = all('.card').map(card => ({
    card, text: plain(card.textContent), groups: card.dataset.group.split('|'),
  }));
  const narrow = () => {
    const words = plain(one('q').value).split(/\s+/).filter(Boolean);
    const kind = one('kind').value, group = one('group')?.value;
    let shown = 0;
    for (const {card, text, groups} of cards) {
      const fits = words.every(word => text.includes(word))
        && (!kind || card.dataset.kind === kind) && (!group || groups.includes(group))
        && (!one('controlled').checked || 'controlled' in card.dataset);
      card.hidden = !fits;
      shown += fits;
    }
    one('count').textContent = `${shown} of ${cards.length} cards`;
  };
  finder.hidden = false;
  finder.addEventListener('input', narrow);
  one('q').value = new URLSearchParams(location.search).get('q') ?? '';
  narrow();
}
