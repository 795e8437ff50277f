-- Shared by every script: each file is loaded with these lines before it.
local function key(kind, name) return 'mailbox:' .. kind .. ':' .. name end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function stamp() return string.format('%.3f', now()) end

local LEASES, FINISHED, MODELS = 'mailbox:leases', 'mailbox:finished', 'mailbox:models'

-- Moves an owner's change counter on, which is kept for a day. A new one starts at the
-- time, so that a page that knew an earlier counter can never mistake it for the one it
-- has seen.
local function touch(owner)
  local counter = 'changes:' .. owner
  if redis.call('EXISTS', counter) == 0 then
    redis.call('SET', counter, string.format('%.0f', now() * 1e6))
  end
  redis.call('EXPIRE', counter, 86400)
  return redis.call('INCR', counter)
end

-- Tells the pages of an entry's owner: their lists say what is being written.
local function touch_owner_of(id)
  local owner = redis.call('HGET', key('reply', id), 'owner')
  if owner then touch(owner) end
end

-- The line an entry stands in: helper jobs wait behind all people.
local function line_of(model, kind)
  return key(kind == 'helper' and 'helpers' or 'line', model)
end

-- The members of one share that stand in a line.
local function queue_of(model, share) return key('queue', model .. ':' .. share) end

-- Takes an entry out of its line; its tag stays with it.
local function leave_line(id)
  local got = redis.call('HMGET', key('reply', id), 'model', 'kind', 'member', 'share')
  redis.call('ZREM', line_of(got[1], got[2]), got[3])
  redis.call('SREM', queue_of(got[1], got[4]), got[3])
end

-- Puts an entry (back) into its line, at the place its tag gives it.
local function stand_in_line(id)
  local got = redis.call('HMGET', key('reply', id), 'model', 'kind', 'tag', 'member', 'share')
  redis.call('HSET', key('reply', id), 'state', 'queued')
  redis.call('HDEL', key('reply', id), 'claim', 'worker')
  redis.call('ZREM', LEASES, id)
  redis.call('ZADD', line_of(got[1], got[2]), got[3], got[4])
  redis.call('SADD', queue_of(got[1], got[5]), got[4])
end

-- Ends an entry, whoever held it, and leaves it for the keeper to collect.
local function finish(id, outcome, ending)
  redis.call('HSET', key('reply', id),
    'state', 'ended', 'outcome', outcome, 'ending', ending, 'finished', stamp())
  redis.call('HDEL', key('reply', id), 'claim')
  redis.call('ZREM', LEASES, id)
  redis.call('SADD', FINISHED, id)
end

-- Writes text at a byte offset, so that the same write repeated changes nothing.
-- Returns the bytes held now; fewer than `offset` means that Redis lost some.
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

-- Only the claim that holds the token may speak for an entry.
local function holds(id, token)
  return redis.call('HGET', key('reply', id), 'claim') == token
end
