-- Shared by all scripts: these lines are loaded before each of them.
local function key(kind, name) return 'mailbox:' .. kind .. ':' .. name end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function stamp() return string.format('%.3f', now()) end

-- The number in a field, or `other` where there is none: a script that failed at a field
-- would fail for every entry beside it.
local function number(text, other)
  local found = tonumber(text or '')
  -- Neither an infinite number nor none (nan) is one to count with.
  if found == nil or found - found ~= 0 then return other end
  return found
end

local LEASES, FINISHED, MODELS = 'mailbox:leases', 'mailbox:finished', 'mailbox:models'
-- When the callers of a reply that is written for them were marked last, by any process;
-- and when a process marked any. 'callers' of a process has the times for its replies.
local KEPT, CALLERS = 'mailbox:kept', 'mailbox:callers'
-- What was counted since Redis was emptied, for measurements.
local COUNTS = 'mailbox:counts'

-- Increments an owner's change counter, which is kept for a day. A new counter starts at
-- the current time, so that a page cannot mistake it for an earlier one.
local function touch(owner)
  local counter = 'changes:' .. owner
  if redis.call('EXISTS', counter) == 0 then
    redis.call('SET', counter, string.format('%.0f', now() * 1e6))
  end
  redis.call('EXPIRE', counter, 86400)
  return redis.call('INCR', counter)
end

-- Notes when a page in front of its owner asked for news last, to within two seconds: most
-- polls write nothing.
local function note_seen(owner)
  local seen = number(redis.call('GET', key('seen', owner)), 0)
  if now() - seen >= 2 then redis.call('SET', key('seen', owner), stamp(), 'EX', 3600) end
end

-- Tells the pages of an entry's owner, whose lists show which replies are being written.
-- No page shows a hidden one.
local function touch_owner_of(id)
  local got = redis.call('HMGET', key('reply', id), 'owner', 'hidden')
  if got[1] and got[2] ~= '1' then touch(got[1]) end
end

-- The line of an entry. Helper jobs wait behind all people.
local function line_of(model, kind)
  return key(kind == 'helper' and 'helpers' or 'line', model)
end

-- The members of one share in the line of a model.
local function queue_of(model, share) return key('queue', model .. ':' .. share) end

-- The member of a line for an entry that joins it now: of equal tags the lower one is first.
local function new_member(id)
  return string.format('%015d:%s', redis.call('INCR', 'mailbox:sequence'), id)
end

-- Gives a share the next place in the line of a model (self-clocked fair queueing, Golestani
-- 1994: tag = max(v, the share's last tag) + cost). Returns the tag, and whether the share has
-- one in line already.
local function next_tag(model, share, cost)
  local served = number(redis.call('GET', key('served', model)), 0)
  local last = tonumber(redis.call('ZSCORE', key('tags', model), share) or '0')
  local tag = string.format('%.3f', math.max(served, last) + cost)
  redis.call('ZADD', key('tags', model), tag, share)
  return tag, last > served
end

-- Takes the cost of an entry back that left the line, if it has the last tag of its share.
local function refund(model, share, tag, cost)
  local last = redis.call('ZSCORE', key('tags', model), share)
  if last and tonumber(last) == tag then
    redis.call('ZINCRBY', key('tags', model), -cost, share)
  end
end

-- What operators set. The names begin like one of a key that workers may read.
local function paused_key(model) return key('workers', model .. ':paused') end
local function order_key(model, worker) return key('workers', model .. ':order:' .. worker) end

-- The log probabilities of an entry's tokens lie beside its text.
local function logprobs_key(id) return key('text', id .. ':logprobs') end

-- Removes what a worker wrote of an entry.
local function delete_text(id) redis.call('DEL', key('text', id), logprobs_key(id)) end

-- Removes an entry that cannot be read: the keeper publishes its row again. Its member in
-- the line goes when a worker finds it.
local function forget(id)
  redis.call('ZREM', LEASES, id)
  redis.call('SREM', FINISHED, id)
  redis.call('DEL', key('reply', id))
  delete_text(id)
end

-- Takes an entry out of its line. It keeps its tag.
local function leave_line(id)
  local got = redis.call('HMGET', key('reply', id), 'model', 'kind', 'member', 'share')
  if not (got[1] and got[3] and got[4]) then return end
  redis.call('ZREM', line_of(got[1], got[2]), got[3])
  redis.call('SREM', queue_of(got[1], got[4]), got[3])
end

local function is_model(name)
  for _, model in ipairs(redis.call('SMEMBERS', MODELS)) do
    if model == name then return true end
  end
  return false
end

-- Puts an entry into its line, at the place of its tag; forgets one without a place.
local function stand_in_line(id)
  local got = redis.call('HMGET', key('reply', id), 'model', 'kind', 'tag', 'member', 'share')
  local has_place = is_model(got[1]) and number(got[3])
    and got[4] and string.sub(got[4], 17) == id and got[5]
  if not has_place then return forget(id) end
  redis.call('HSET', key('reply', id), 'state', 'queued')
  redis.call('HDEL', key('reply', id), 'claim', 'worker')
  redis.call('ZREM', LEASES, id)
  redis.call('ZADD', line_of(got[1], got[2]), got[3], got[4])
  redis.call('SADD', queue_of(got[1], got[5]), got[4])
end

-- Ends an entry in any state, and leaves it for the keeper to collect.
local function finish(id, outcome, ending)
  redis.call('HSET', key('reply', id),
    'state', 'ended', 'outcome', outcome, 'ending', ending, 'finished', stamp())
  redis.call('HDEL', key('reply', id), 'claim')
  redis.call('ZREM', LEASES, id)
  redis.call('SADD', FINISHED, id)
end

-- Writes text at a byte offset, so that a repeated write changes nothing. Returns how
-- many bytes are held now; fewer than `offset` means that Redis has lost some.
local function write_text(id, offset, text, tokens)
  local held = redis.call('STRLEN', key('text', id))
  if held < offset then return held end
  if #text > 0 then
    held = redis.call('SETRANGE', key('text', id), offset, text)
    redis.call('HSETNX', key('reply', id), 'first', stamp())
  end
  redis.call('HSET', key('reply', id), 'tokens', tokens)
  return held
end

-- The same for lines of log probabilities, which only some requests ask for: nil otherwise.
-- They expire, since a keeper of an earlier release does not remove them.
local function write_logprobs(id, offset, lines)
  if not lines then return 0 end
  local held = redis.call('STRLEN', logprobs_key(id))
  if held < tonumber(offset) or #lines == 0 then return held end
  held = redis.call('SETRANGE', logprobs_key(id), offset, lines)
  redis.call('EXPIRE', logprobs_key(id), 7 * 86400)
  return held
end

-- Whether the claim with this fencing token holds the entry.
local function holds(id, token)
  return redis.call('HGET', key('reply', id), 'claim') == token
end
