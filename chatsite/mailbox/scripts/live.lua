-- What calls of the API wait for: all replies of one process, in one round trip. ARGV:
-- id, run, offset (bytes) for each reply; offset -1 is for no text. The caller asks for
-- replies whose owner it has checked. Returns {state} for each, and of a running one also
-- its run, tokens, the offset at which the text begins, and that text.
local entries = {}
for i = 1, #ARGV, 3 do
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
