-- Takes the first reply in line, people before helpers, and leases it to one worker, which
-- may have no room for a helper job. A reply that has lost several workers runs alone. A
-- worker that writes other replies reserves it ('wait') and takes no further reply until
-- those are done; if it is for a person, the answer is 'wait'. Meanwhile the other workers
-- skip it ('pass'). A paused model gives nothing. An entry that cannot be read is forgotten:
-- otherwise it would keep all those behind it from being written.
local model, worker, token, lease = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local live, alone_from = tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('EXISTS', paused_key(model)) == 1 then return false end
local lines = {key('line', model)}
if ARGV[7] == '1' then lines[2] = key('helpers', model) end

local function may_take(id)
  local got = redis.call('HMGET', key('reply', id), 'losses', 'kept_by', 'kept_until')
  if number(got[1], 0) < alone_from or live == 0 then return 'yes' end
  if got[2] and got[2] ~= worker and number(got[3], 0) > now() then return 'pass' end
  redis.call('HSET', key('reply', id), 'kept_by', worker,
    'kept_until', string.format('%.3f', now() + lease))
  return 'wait'
end

-- Whether this member of a line is the place of an entry that can be read. Else it goes,
-- and so does the entry, unless that has another place.
local function is_place_of(id, line, member)
  local got = redis.call('HMGET', key('reply', id), 'member', 'model', 'share', 'attempt', 'kind')
  local is_read = got[2] == model and got[3] and number(got[4]) and got[5]
    and redis.call('HEXISTS', key('reply', id), 'request') == 1
  if is_read and got[1] == member then return true end
  redis.call('ZREM', line, member)
  if not (is_read and got[1] and redis.call('ZSCORE', line, got[1])) then forget(id) end
  return false
end

local function first_in_line()
  for kind, line in ipairs(lines) do
    local rank = 0
    local found = redis.call('ZRANGE', line, rank, rank, 'WITHSCORES')
    while #found > 0 do
      local id = string.sub(found[1], 17)
      if is_place_of(id, line, found[1]) then
        local answer = may_take(id)
        if answer == 'wait' then return nil, kind == 1 and 'wait' end
        if answer == 'yes' then
          leave_line(id)
          redis.call('ZREM', line, found[1])
          return id, found[2]
        end
        rank = rank + 1
      end
      found = redis.call('ZRANGE', line, rank, rank, 'WITHSCORES')
    end
  end
end

local id, tag = first_in_line()
if not id then return tag or false end

local served = number(redis.call('GET', key('served', model)), -1)
if tonumber(tag) > served then redis.call('SET', key('served', model), tag) end
redis.call('ZREMRANGEBYSCORE', key('tags', model), '-inf', redis.call('GET', key('served', model)))

redis.call('HSET', key('reply', id), 'state', 'running', 'claim', token, 'worker', worker,
  'started', stamp(), 'tokens', 0)
redis.call('HDEL', key('reply', id), 'first', 'kept_by', 'kept_until')
local run = number(redis.call('HGET', key('reply', id), 'run'), 0)
redis.call('HSET', key('reply', id), 'run', string.format('%.0f', run + 1))
delete_text(id)
redis.call('ZADD', LEASES, now() + lease, id)
touch_owner_of(id)
local got = redis.call('HMGET', key('reply', id), 'attempt', 'request', 'losses', 'kind', 'faults')
return {id, got[1], got[2], number(got[3], 0), got[4], number(got[5], 0)}
