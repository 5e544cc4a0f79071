// Shows that a passkey did not answer: allauth's script would say so in the developer's console only.
document.addEventListener('allauth.error', function (event) {
  const problem = document.getElementById('passkey-problem')
  if (problem) {
    event.preventDefault()
    problem.hidden = false
    problem.focus()
  }
})
