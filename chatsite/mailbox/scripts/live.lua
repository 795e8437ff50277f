-- What calls of the API wait for: all replies of one process, in one round trip. ARGV:
-- process, seconds, count, and the ids of so many replies, which are marked as ones whose
-- callers wait in this process; then id, run, offset (bytes) for each reply that is asked
-- for; offset -1 is for no text. The caller asks for replies whose owner it has checked.
-- Returns {state} for each, and of a running one also its run, tokens, the offset at which
-- the text begins, and that text.
local process, seconds, marks = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if marks > 0 then
  local time, callers = now(), key('callers', process)
  for first = 4, 3 + marks, 500 do
    local scored = {}
    for i = first, math.min(first + 499, 3 + marks) do
      scored[#scored + 1] = time
      scored[#scored + 1] = ARGV[i]
    end
    redis.call('ZADD', KEPT, unpack(scored))
    redis.call('ZADD', callers, unpack(scored))
  end
  redis.call('ZREMRANGEBYSCORE', callers, '-inf', time - seconds)
  redis.call('ZADD', CALLERS, time, process)
  redis.call('ZREMRANGEBYSCORE', CALLERS, '-inf', time - seconds)
  redis.call('EXPIRE', callers, math.ceil(2 * seconds))
  -- For a release whose keeper does not know it.
  redis.call('EXPIRE', KEPT, 86400)
end

local entries = {}
for i = 4 + marks, #ARGV, 3 do
  local id, offset = ARGV[i], tonumber(ARGV[i + 2])
  local got = redis.call('HMGET', key('reply', id), 'state', 'run', 'tokens')
  if got[1] ~= 'running' then
    entries[#entries + 1] = {got[1] or 'missing'}
  elseif offset < 0 then
    entries[#entries + 1] = {'running', got[2], got[3], 0, ''}
  else
    local from = (got[2] == ARGV[i + 1]) and offset or 0
    entries[#entries + 1] = {'running', got[2], got[3], from,
      redis.call('GETRANGE', key('text', id), from, -1)}
  end
end
return entries
