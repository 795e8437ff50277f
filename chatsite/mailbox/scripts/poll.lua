-- Everything that one poll needs, in one round trip. ARGV: hash of the session key, model,
-- '1' if it is to be noted that a page is in front of its owner, then id, run, offset
-- (bytes) for each reply the page shows as unfinished.
-- Returns {owner, time, changes, waiting, announcements, entries, paused,
-- notice}. Only its owner gets
-- data of an entry.
local owner, model = redis.call('GET', 'who:' .. ARGV[1]), ARGV[2]
if not owner then return false end
if ARGV[3] == '1' then note_seen(owner) end

local function place(got)
  if not (got[3] and got[5]) then return 0 end
  local ahead = redis.call('ZRANK', line_of(got[3], got[4]), got[5])
  if not ahead then return 0 end
  if got[4] == 'helper' then ahead = ahead + redis.call('ZCARD', key('line', got[3])) end
  return ahead
end

local function read(id, run, offset)
  local got = redis.call('HMGET', key('reply', id), 'owner', 'state', 'model', 'kind',
    'member', 'run', 'tokens', 'queued', 'started', 'losses', 'stop', 'outcome', 'first', 'further')
  if not got[1] then return {'missing'} end
  if got[1] ~= owner then return {'foreign'} end
  if got[2] == 'queued' then return {'queued', got[6], place(got), got[8], got[10], got[14] or '', got[3], got[4] or ''} end
  if got[2] == 'ended' then return {'ended', got[6], got[12]} end
  local held = redis.call('STRLEN', key('text', id))
  local from = (got[6] == run) and tonumber(offset) or 0
  if from > held then from = 0 end
  return {'running', got[6], got[7], got[8], got[9], got[13] or '', got[10], got[11] or '',
    from, held,
    redis.call('GETRANGE', key('text', id), from, -1), got[4] or ''}
end

local entries = {}
for i = 4, #ARGV, 3 do
  entries[#entries + 1] = read(ARGV[i], ARGV[i + 1], ARGV[i + 2])
end
local waiting = redis.call('ZCARD', key('line', model))
return {owner, stamp(), redis.call('GET', 'changes:' .. owner) or '', waiting,
  redis.call('HVALS', key('workers', model)), entries, redis.call('EXISTS', paused_key(model)),
  redis.call('GET', 'mailbox:notice') or ''}
