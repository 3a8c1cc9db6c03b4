// The last ten minutes by account and model, as the server tells them: whole steps, oldest first.
const STEPS = 119, STEP_S = 5;
const SERIES = ["queued", "in_flight", "requests", "refused_there", "refused_here", "input_tokens",
  "output_tokens", "wait_ms"];

const past = { to: 0, tracks: new Map() };

function trackKey(account, model) {
  return JSON.stringify([account, model]);
}

function emptyTrack() {
  const track = { share: {} };
  for (const name of SERIES) track[name] = new Array(STEPS).fill(null);
  return track;
}

// `steps`: {from, to, tracks}. A gap, or another process, is begun anew.
function takeSteps(steps) {
  if (steps.from !== past.to) past.tracks.clear();
  past.to = steps.to;
  const n = steps.to - steps.from, seen = new Set();
  const add = (list, values) => {
    const all = list.concat(values.length ? values : new Array(n).fill(0));
    return all.slice(all.length - STEPS);
  };
  for (const t of steps.tracks) {
    const key = trackKey(t.account, t.model);
    const track = past.tracks.get(key) ?? emptyTrack();
    past.tracks.set(key, track);
    seen.add(key);
    for (const name of SERIES) track[name] = add(track[name], t[name]);
    for (const dim of Object.keys({ ...track.share, ...t.share })) {
      const before = track.share[dim] ?? new Array(STEPS).fill(null);
      track.share[dim] = add(before, t.share[dim] ?? new Array(n).fill(null));
    }
  }
  for (const key of past.tracks.keys()) if (!seen.has(key)) past.tracks.delete(key);
}

// The sum of a series over the last `steps` of all models.
function lately(name, steps) {
  let sum = 0;
  for (const track of past.tracks.values()) {
    for (const n of track[name].slice(STEPS - steps)) sum += n ?? 0;
  }
  return sum;
}

function worst(name, steps) {
  let most = 0;
  for (const track of past.tracks.values()) most = Math.max(most, ...track[name].slice(STEPS - steps));
  return most;
}
