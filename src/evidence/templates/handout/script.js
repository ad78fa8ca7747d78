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

const STOP = new Set(`a about after all also an and any are as at be been by can controlled could
  did do does for from good had has have help helped helps how i if in into is it its me my no not
  of on only or our real really say so some tell than that the their them there these they this
  those to trial trials us use vs versus was we were what when where which who why will with work
  works would you your`.split(/\s+/));
const ENOUGH = 3, NEARLY = 0.4;  // cards with every word, else those with much of the best score
const plain = text => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f’‘']/g, '');
const stem = word => word.length < 4 || /(ss|us|is|as)$/.test(word) ? word
  : word.replace(/ies$/, 'y').replace(/s$/, '');
const tokens = text => plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
const apart = (a, b) => {  // letters to change until one word is the other
  let row = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
    }
    row = next;
  }
  return row[b.length];
};

const finder = document.querySelector('.finder');
if (finder) {
  const box = document.querySelector('.cards'), near = one('near');
  const without = finder.dataset.without;
  const cards = all('.card').map(card => {
    const text = `${card.innerText ?? ''} ${card.dataset.more ?? ''}`.replaceAll(without, '');
    return {card, words: new Set(tokens(text).map(stem)), groups: card.dataset.group.split('|'),
      head: new Set(tokens(all('.kind, h2, .about', card).map(e => e.textContent).join(' ')).map(stem))};
  });
  const known = [...new Set(all('.card').flatMap(card => tokens(card.textContent)))]
    .filter(word => word.length > 3 && !/\d/.test(word));
  const has = (words, asked) => asked.length < 3 ? words.has(asked)
    : [...words].some(word => word.startsWith(asked));
  const button = (words, click) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = words;
    made.addEventListener('click', () => { click(); narrow(); one('q').focus(); });
    near.append(' ', made);
  };
  const similar = word => known.map(other => [apart(word, other.slice(0, word.length + 2)), other])
    .filter(([distance]) => distance <= (word.length > 5 ? 2 : 1)).sort((a, b) => a[0] - b[0])
    .map(([, other]) => other).filter((other, place, every) =>
      every.findIndex(one => stem(one) === stem(other)) === place).slice(0, 3);
  const narrow = () => {
    const typed = [...new Set(tokens(one('q').value))];
    const meant = typed.filter(word => !STOP.has(word));
    const asked = (meant.length ? meant : typed).map(word => {
      const holding = cards.filter(({words}) => has(words, stem(word))).length;
      return {word, stem: stem(word), holding,
        weight: holding && Math.log(1 + cards.length / holding)};
    });
    const lost = asked.filter(({holding}) => !holding);
    const found = asked.filter(({holding}) => holding);
    const kind = one('kind').value, group = one('group')?.value;
    const scored = cards.map((entry, place) => {
      const hits = found.filter(({stem}) => has(entry.words, stem));
      const inHead = hits.filter(({stem}) => has(entry.head, stem)).length;
      const score = hits.reduce((sum, {weight}) => sum + weight, 0);
      return {...entry, place, score: score + inHead / 100, every: hits.length === found.length};
    });
    const passes = ({card, groups}) => (!kind || card.dataset.kind === kind)
      && (!group || groups.includes(group))
      && (!one('controlled').checked || 'controlled' in card.dataset);
    const nothing = asked.length > 0 && !found.length;
    const within = entries => {
      if (nothing || !found.length) return nothing ? [] : entries;
      const full = entries.filter(entry => entry.every);
      const best = Math.max(...entries.map(({score}) => score), 0);
      return full.length >= ENOUGH ? full
        : entries.filter(({score}) => score > 0 && score >= NEARLY * best);
    };
    const shown = within(scored.filter(passes));
    const visible = new Set(shown.map(({card}) => card));
    for (const {card} of [...scored].sort((a, b) => b.score - a.score || a.place - b.place)) {
      card.hidden = !visible.has(card);
      box.append(card);
    }
    const every = shown.filter(entry => entry.every).length;
    const words = found.map(({word}) => `“${word}”`).join(', ');
    const best = every < shown.length ? `; ${every} of them hold all of ${words}, best first`
      : `, each with ${words}`;
    one('count').textContent = `${shown.length} of ${cards.length} cards`
      + (found.length && shown.length ? best : '');
    near.replaceChildren();
    for (const {word} of lost) {
      const others = similar(word);
      near.append(` No card holds “${word}”${others.length ? '; near it:' : '.'}`);
      for (const other of others) {
        button(other, () => {
          one('q').value = tokens(one('q').value).map(it => it === word ? other : it).join(' ');
        });
      }
    }
    const whole = within(scored);
    if (!shown.length && whole.length) {
      near.append(` With these choices nothing is left. Without them: ${whole.length} cards.`);
      button('Show them', () => {
        one('kind').value = '';
        if (one('group')) one('group').value = '';
        one('controlled').checked = false;
      });
    } else if (!shown.length && one('group')) {
      near.append(' Conditions with studies:');
      for (const option of one('group').options) {
        if (option.value) button(option.textContent, () => {
          one('q').value = '';
          one('group').value = option.value;
        });
      }
    }
    near.hidden = !near.hasChildNodes();
  };
  finder.hidden = false;
  finder.addEventListener('input', narrow);
  one('q').value = new URLSearchParams(location.search).get('q') ?? '';
  narrow();
}

const reveal = () => {  // what an address names is open
  const named = location.hash && one(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  for (let e = named; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
  named.scrollIntoView();
};
addEventListener('beforeprint', () => {
  for (const list of all('.references')) list.open = true;
});
addEventListener('hashchange', reveal);
reveal();
