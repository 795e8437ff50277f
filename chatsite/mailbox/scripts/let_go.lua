-- Notes that no caller of a process waits for some replies any longer. ARGV: process,
-- seconds, then ids. Returns those of the ids that no other process has marked for so many
-- seconds.
local process, since = ARGV[1], now() - tonumber(ARGV[2])
redis.call('ZREM', key('callers', process), unpack(ARGV, 3))
local processes = redis.call('ZRANGEBYSCORE', CALLERS, since, '+inf')

local function is_awaited(id)
  for _, other in ipairs(processes) do
    local marked = redis.call('ZSCORE', key('callers', other), id)
    if marked and tonumber(marked) >= since then return true end
  end
  return false
end

local alone = {}
for i = 3, #ARGV do
  if not is_awaited(ARGV[i]) then alone[#alone + 1] = ARGV[i] end
end
return alone
